/** What a person does in Stripe's dashboard, what a person can see there, and the simulator's controls. */

/** People's key: faults that are meant for the product's calls strike only the product's key. */
export const PEOPLE_KEY = 'sk_test_people';
const CALL_MS = 10_000;
const PAGE_ROWS = 100;
const PAGES_MAX = 5_000;

export interface Customer {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly deleted?: boolean;
}

export interface Event {
  readonly id: string;
  readonly type: string;
  readonly created: number;
  readonly data: { readonly object: Customer; readonly previous_attributes?: Record<string, unknown> };
  readonly request?: { readonly idempotency_key: string | null } | null;
}

export type Told =
  | { readonly kind: 'answered'; readonly status: number; readonly body: unknown }
  /** Nothing was ever sent: nobody listened. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unknown' };

/** A connection that was refused has certainly done nothing; after any other failure nothing is known. */
export function failureOf(error: unknown): Told {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return code === 'ECONNREFUSED' ? { kind: 'refused' } : { kind: 'unknown' };
}

export interface Dashboard {
  readonly url: string;
  answers(): Promise<boolean>;
  /** One call as a person makes it. */
  call(method: string, route: string, params?: Readonly<Record<string, string>>): Promise<Told>;
  /** @throws when it is not answered with 200 */
  control(method: string, route: string, body?: unknown): Promise<unknown>;
  customers(): Promise<Customer[]>;
  /** Newest first. */
  events(): Promise<Event[]>;
}

export function createDashboard(url: string): Dashboard {
  const headers = { authorization: `Bearer ${PEOPLE_KEY}` };

  async function call(
    method: string,
    route: string,
    params?: Readonly<Record<string, string>>,
  ): Promise<Told> {
    try {
      const answer = await fetch(url + route, {
        method,
        headers,
        signal: AbortSignal.timeout(CALL_MS),
        ...(params === undefined ? {} : { body: new URLSearchParams(params) }),
      });
      return { kind: 'answered', status: answer.status, body: await answer.json() };
    } catch (error) {
      return failureOf(error);
    }
  }

  async function all<T extends { readonly id: string }>(route: string): Promise<T[]> {
    const found: T[] = [];
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const last = found.at(-1);
      const after = last === undefined ? '' : `&starting_after=${last.id}`;
      const told = await call('GET', `${route}?limit=${PAGE_ROWS}${after}`);
      if (told.kind !== 'answered' || told.status !== 200)
        throw new Error(`${route} could not be read: ${JSON.stringify(told)}`);
      const { data, has_more: more } = told.body as { data: T[]; has_more: boolean };
      found.push(...data);
      if (!more) return found;
    }
    throw new Error(`${route} has more than ${PAGES_MAX} pages`);
  }

  return {
    url,
    call,
    answers: () =>
      call('GET', '/_sim/health').then((told) => told.kind === 'answered' && told.status === 200),
    async control(method, route, body) {
      const answer = await fetch(url + route, {
        method,
        signal: AbortSignal.timeout(CALL_MS),
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${route} answered ${answer.status}: ${text}`);
      return JSON.parse(text);
    },
    customers: () => all<Customer>('/v1/customers'),
    events: () => all<Event>('/v1/events'),
  };
}
