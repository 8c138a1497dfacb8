import type { ConnectionView } from '../api';
import { ENDPOINT_TROUBLES } from '../connections/webhookEndpoint';
import { REASONS } from '../core/reason';
import { limitInForce } from '../pace/told';
import type { LimitInForce } from '../pace/told';
import { downDetail } from '../store/connections';
import type { Connection } from '../store/connections';
import type { TrippedGuard } from '../store/deleteGuard';
import type { WebhookEndpoint } from '../store/webhookEndpoints';
import type { Assembly } from './assemble';

function endpointView({ url, trouble, since }: WebhookEndpoint): ConnectionView['webhook'] {
  const told = trouble === null ? null : ENDPOINT_TROUBLES[trouble.code];
  return {
    url,
    state: told?.state ?? 'registered',
    reason:
      trouble === null || told === null
        ? null
        : { code: trouble.code, message: told.message, detail: trouble.detail },
    since: since.toISOString(),
  };
}

function guardView({ direction, since, held }: TrippedGuard): ConnectionView['held_deletions'][number] {
  const { message, action } = REASONS.delete_burst;
  return { direction, since: since.toISOString(), held, message, action };
}

/** Why nothing is sent: paused, recovering or down. */
function standstill({
  name,
  paused,
  down,
}: Pick<Connection, 'name' | 'paused' | 'down'>): Pick<ConnectionView, 'state' | 'reason'> {
  if (paused !== null) {
    const { code, detail, since } = paused;
    const reason = { code, ...REASONS[code], field: null, detail, since: since.toISOString() };
    return { state: 'paused', reason };
  }
  if (down === null) return { state: 'active', reason: null };
  const since = down.since.toISOString();
  const detail = downDetail(name, down);
  return {
    state: 'down',
    reason: { code: 'unavailable', ...REASONS.unavailable, field: null, detail, since },
  };
}

function breakerView(down: Connection['down']): ConnectionView['breaker'] {
  if (down === null) return null;
  return {
    open_since: down.since.toISOString(),
    last_failure: down.code,
    next_probe_at: down.probeAt?.toISOString() ?? null,
  };
}

function limitView(limit: LimitInForce | null | undefined): ConnectionView['rate_limit'] {
  if (limit == null) return null;
  return { per_second: limit.perSecond, per_endpoint: limit.perEndpoint, now_per_second: limit.now };
}

interface Told extends Pick<Assembly, 'store'> {
  readonly config: Pick<Assembly['config'], 'connections'>;
}

async function limitsInForce({ store, config }: Told) {
  const limits = config.connections.map(
    async ({ name, limits: set }) => [name, await limitInForce(store, name, set)] as const,
  );
  return new Map(await Promise.all(limits));
}

/** What `GET /connections` tells of each. */
export async function listConnections(parts: Told): Promise<ConnectionView[]> {
  const { store } = parts;
  const [waiting, limits, connections, endpoints, tripped] = await Promise.all([
    store.breakers.countWaiting(),
    limitsInForce(parts),
    store.connections.list(),
    store.endpoints.listEndpoints(),
    store.deletes.listTripped(),
  ]);
  const webhookOf = (name: string): ConnectionView['webhook'] => {
    const endpoint = endpoints.find(({ connection }) => connection === name);
    return endpoint === undefined ? null : endpointView(endpoint);
  };
  return connections.map(({ name, system, identity, paused, down, degraded }) => ({
    name,
    system,
    account: identity?.account ?? null,
    mode: identity?.mode ?? null,
    ...standstill({ name, paused, down }),
    paused_at: paused === null ? null : paused.since.toISOString(),
    breaker: breakerView(down),
    waiting: waiting.get(name) ?? 0,
    rate_limit: limitView(limits.get(name)),
    degraded: [...degraded, ...(webhookOf(name)?.state === 'degraded' ? ['webhooks'] : [])],
    webhook: webhookOf(name),
    held_deletions: tripped.filter(({ connection }) => connection === name).map(guardView),
  }));
}
