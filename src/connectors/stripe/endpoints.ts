import { API_VERSION, call, lacksRoute } from './client';
import { EVENT_TYPES } from './events';
import { isJson, pageShape } from './shapes';
import { markName } from '../connector';
import type { Delivered, WebhookEndpoints } from '../connector';
import type { StripeClient } from './client';
import type { Answer, RemoteFailure } from '../../core/failure';
import type { ConnectionName, InstallationId } from '../../core/ids';

/** As the page of a restricted key names it (docs.stripe.com/keys/restricted-api-keys). */
const RIGHT = 'Webhook Endpoints: Write';
/** Stripe's maximum for one page of a list. An account has 16 endpoints at most, so there is one page. */
const PAGE_MAX = 100;
const PAGES_MAX = 10;
const SECRET = /^\S{8,255}$/;

/** A webhook endpoint, as far as it matters here (docs.stripe.com/api/webhook_endpoints/object). */
interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly enabled: boolean;
  readonly events: readonly string[];
  readonly version: string | null;
  /** The connection that our installation's mark names, or null. */
  readonly connection: string | null;
}

type Failed = { readonly kind: 'failed'; readonly failure: RemoteFailure };

/** @returns null when it is no endpoint */
function endpointShape(body: unknown, mark: string): Endpoint | null {
  if (!isJson(body) || body['object'] !== 'webhook_endpoint') return null;
  const { id, url, status, enabled_events: events, api_version: version, metadata } = body;
  if (typeof id !== 'string' || typeof url !== 'string' || !Array.isArray(events)) return null;
  const named = isJson(metadata) ? metadata[mark] : null;
  return {
    id,
    url,
    enabled: status === 'enabled',
    events: events.filter((type) => typeof type === 'string'),
    version: typeof version === 'string' ? version : null,
    connection: typeof named === 'string' ? named : null,
  };
}

/** Metadata name the installation, and within it the connection: two of one account have an endpoint each. */
export function createEndpoints(
  client: StripeClient,
  connection: ConnectionName,
  installation: InstallationId,
): WebhookEndpoints {
  const mark = markName(installation);
  return {
    right: RIGHT,
    async ensure({ url, known }) {
      const listed = await listOwn(client, connection, mark);
      if (listed.kind === 'failed') return listed;
      // The version of an endpoint cannot be changed (docs.stripe.com/webhooks/versioning).
      const kept = listed.value.find(
        (endpoint) => url !== null && endpoint.id === known && endpoint.version === API_VERSION,
      );
      // First what is too much: an account has room for few, and two of ours would tell everything twice.
      for (const { id } of listed.value.filter((endpoint) => endpoint !== kept)) {
        const removed = await remove(client, id);
        if (removed.kind === 'failed' && removed.failure.kind !== 'gone') return removed;
      }
      if (url === null) return { ...listed, value: { kind: 'none' } };
      if (kept === undefined) return make(client, url, { [mark]: connection });
      if (isAsWanted(kept, url))
        return { ...listed, value: { kind: 'standing', id: kept.id, changed: false } };
      return change(client, kept.id, url);
    },
  };
}

function isAsWanted({ url, enabled, events }: Endpoint, wanted: string): boolean {
  const same = events.length === EVENT_TYPES.length && EVENT_TYPES.every((type) => events.includes(type));
  return url === wanted && enabled && same;
}

async function listOwn(
  client: StripeClient,
  connection: ConnectionName,
  mark: string,
): Promise<Answer<readonly Endpoint[]>> {
  const own: Endpoint[] = [];
  let after: string | null = null;
  for (let page = 1; ; page += 1) {
    const answer: Answer<{ endpoints: Endpoint[]; hasMore: boolean }> = await listPage(client, mark, after);
    if (answer.kind === 'failed') return answer;
    const { endpoints, hasMore } = answer.value;
    own.push(...endpoints.filter((endpoint) => endpoint.connection === connection));
    after = endpoints.at(-1)?.id ?? null;
    if (!hasMore || after === null || page === PAGES_MAX) return { ...answer, value: own };
  }
}

/** The failure `gone` says that the server has no such route: it is heard in another way. */
async function listPage(
  client: StripeClient,
  mark: string,
  after: string | null,
): Promise<Answer<{ endpoints: Endpoint[]; hasMore: boolean }>> {
  const params = { limit: PAGE_MAX, ...(after === null ? {} : { starting_after: after }) };
  const answer = await call(
    client,
    'webhookEndpoints.list',
    (sdk) => sdk.webhookEndpoints.list(params),
    (body) => {
      const list = pageShape(body);
      const endpoints = list?.data.map((item) => endpointShape(item, mark)) ?? [];
      if (list === null || !endpoints.every((endpoint) => endpoint !== null)) return null;
      return { value: { endpoints, hasMore: list.hasMore } };
    },
  );
  if (answer.kind === 'failed' && lacksRoute(client, answer.failure)) return routeIsGone(answer);
  return answer;
}

function routeIsGone({ failure }: Failed): Failed {
  return { kind: 'failed', failure: { ...failure, kind: 'gone' } };
}

function remove(client: StripeClient, id: string): Promise<Answer<null>> {
  return call(
    client,
    'webhookEndpoints.del',
    (sdk) => sdk.webhookEndpoints.del(id),
    (body) => (isJson(body) && body['deleted'] === true ? { value: null } : null),
  );
}

/**
 * Each call has a key of its own: an endpoint that was made while its answer was lost has a secret nobody knows, so that
 * the next call deletes it and makes another.
 */
function make(
  client: StripeClient,
  url: string,
  metadata: Readonly<Record<string, string>>,
): Promise<Answer<Delivered>> {
  const params = {
    url,
    enabled_events: [...EVENT_TYPES],
    api_version: API_VERSION,
    description: 'Registered by Counterpart, which keeps it as it is.',
    metadata: { ...metadata },
  };
  return call<Delivered>(
    client,
    'webhookEndpoints.create',
    // The SDK knows the names of events and versions as literals; ours are checked by the contract's tests.
    (sdk) => sdk.webhookEndpoints.create(params as Parameters<typeof sdk.webhookEndpoints.create>[0]),
    (body) => {
      const { id, secret } = isJson(body) ? body : {};
      if (typeof id !== 'string' || typeof secret !== 'string' || !SECRET.test(secret)) return null;
      return { value: { kind: 'made', id, secret } };
    },
  );
}

async function change(client: StripeClient, id: string, url: string): Promise<Answer<Delivered>> {
  const params = { url, enabled_events: [...EVENT_TYPES], disabled: false };
  return call<Delivered>(
    client,
    'webhookEndpoints.update',
    (sdk) => sdk.webhookEndpoints.update(id, params as Parameters<typeof sdk.webhookEndpoints.update>[1]),
    (body) => (isJson(body) && body['id'] === id ? { value: { kind: 'standing', id, changed: true } } : null),
  );
}
