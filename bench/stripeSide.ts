/** The other side, as a person at Stripe's dashboard and a webhook endpoint of their own would see it. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

const SOCKETS_MAX = 64;
const PAGE_OBJECTS = 100;
const REQUESTS_MAX = 10_000;

/** Answers of the simulator are its own business but for these fields. */
export interface StripeCustomer {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
}

export interface StripeEvent {
  readonly id: string;
  readonly type: string;
  readonly request: { readonly idempotency_key: string | null } | null;
  readonly data: { readonly object: StripeCustomer };
}

interface Page<T> {
  readonly data: readonly T[];
  readonly has_more: boolean;
}

/** @returns status and body. @throws when there was no answer */
export function exchange(
  agent: http.Agent,
  url: string,
  method: string,
  headers: Record<string, string>,
  body: string | null,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, agent, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    request.on('error', reject);
    request.end(body ?? undefined);
  });
}

export class StripeSide {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });

  constructor(private readonly base: string) {}

  private async call<T>(method: string, path: string, form?: Record<string, string>): Promise<T> {
    const body = form === undefined ? null : new URLSearchParams(form).toString();
    const headers = {
      authorization: 'Bearer sk_test_bench',
      ...(body === null
        ? {}
        : {
            'content-type': 'application/x-www-form-urlencoded',
            'content-length': String(Buffer.byteLength(body)),
          }),
    };
    const { status, text } = await exchange(this.agent, this.base + path, method, headers, body);
    if (status !== 200) throw new Error(`The simulator answered ${method} ${path} with ${status}: ${text}`);
    return JSON.parse(text) as T;
  }

  create(fields: { name: string; email: string }): Promise<StripeCustomer> {
    return this.call('POST', '/v1/customers', fields);
  }

  update(id: string, fields: { name: string }): Promise<StripeCustomer> {
    return this.call('POST', `/v1/customers/${id}`, fields);
  }

  async customers(): Promise<StripeCustomer[]> {
    return this.pages<StripeCustomer>('/v1/customers', Number.POSITIVE_INFINITY);
  }

  /** The newest ones first, about `atMost`. */
  async updates(atMost: number): Promise<StripeEvent[]> {
    return this.pages<StripeEvent>('/v1/events?type=customer.updated', atMost);
  }

  /** Has every event delivered to `url` as well. @returns how to end that */
  async addEndpoint(url: string): Promise<() => Promise<void>> {
    const made = await this.call<{ id: string }>('POST', '/v1/webhook_endpoints', {
      url,
      'enabled_events[0]': '*',
    });
    return async () => {
      await this.call('DELETE', `/v1/webhook_endpoints/${made.id}`);
    };
  }

  /** The newest requests of the product, as the simulator has answered them. */
  async requests(): Promise<ReadonlyArray<{ readonly at: string; readonly status: number }>> {
    const page = await this.call<Page<{ id: string; at: string; status: number; from: string }>>(
      'GET',
      `/_sim/requests?limit=${REQUESTS_MAX}`,
    );
    return page.data.filter(({ from }) => from === 'counterpart');
  }

  close(): void {
    this.agent.destroy();
  }

  private async pages<T extends { id: string }>(path: string, atMost: number): Promise<T[]> {
    const all: T[] = [];
    const joint = path.includes('?') ? '&' : '?';
    for (;;) {
      const after = all.at(-1);
      const cursor = after === undefined ? '' : `&starting_after=${after.id}`;
      const page = await this.call<Page<T>>('GET', `${path}${joint}limit=${PAGE_OBJECTS}${cursor}`);
      all.push(...page.data);
      if (!page.has_more || page.data.length === 0 || all.length >= atMost) return all;
    }
  }
}

export interface EventListener {
  readonly url: string;
  /** Called with each event and the moment its last byte arrived, by performance.now(). */
  onEvent: (event: StripeEvent, arrivedMs: number) => void;
  close(): Promise<void>;
}

/** A webhook endpoint of the bench's own: it hears of a change when the simulator has committed it. */
export async function listenForEvents(): Promise<EventListener> {
  const listener = { onEvent: (_event: StripeEvent, _arrivedMs: number): void => undefined };
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const arrivedMs = performance.now();
      response.writeHead(200).end();
      listener.onEvent(JSON.parse(Buffer.concat(chunks).toString()) as StripeEvent, arrivedMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(listener, {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
