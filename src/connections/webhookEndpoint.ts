import { assertNever } from '../core/assertNever';
import type { Connector, Delivered, WebhookEndpoints } from '../connectors/connector';
import type { RemoteFailure } from '../core/failure';
import type { ConnectionName } from '../core/ids';
import type { Store } from '../store/store';
import type { EndpointTrouble } from '../store/webhookEndpoints';

export interface WebhookEndpointPorts {
  readonly store: Pick<Store, 'connections' | 'endpoints'>;
  /** Runs `work` while no other process does anything under this name; null when another one does. */
  readonly exclusively: <T>(name: string, work: () => Promise<T>) => Promise<{ readonly result: T } | null>;
  /** Resolves after `ms` or when the process is stopping. */
  readonly pause: (ms: number) => Promise<unknown>;
  readonly stopped: () => boolean;
  /** Told after each attempt whether the system delivers here. */
  readonly delivers: (connection: ConnectionName, yes: boolean) => void;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/** What each trouble means for a person. The poll serves meanwhile, at the pace it has without webhooks. */
export const ENDPOINT_TROUBLES = {
  forbidden: { state: 'degraded', message: 'The key lacks the right to register the webhook endpoint.' },
  unsupported: { state: 'degraded', message: 'This server has no webhook endpoints.' },
  refused: { state: 'degraded', message: 'The system refused the webhook endpoint.' },
  unavailable: { state: 'pending', message: 'The system did not answer; it is tried again.' },
} as const satisfies Record<EndpointTrouble, { state: 'degraded' | 'pending'; message: string }>;

/** It is looked at again while the process runs: somebody may have deleted it there. */
const RECHECK_MS = 600_000;
/** A right is added to the key, an endpoint too many is removed: by a person, in minutes. */
const DEGRADED_RETRY_MS = 60_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 30_000;
/** Another process is at it, or the connection is paused or down. */
const BUSY_MS = 1_000;

type Outcome =
  | { readonly kind: 'settled'; readonly delivered: Delivered }
  | { readonly kind: 'trouble'; readonly code: EndpointTrouble; readonly detail: string | null }
  | { readonly kind: 'busy' };

function troubleOf(failure: RemoteFailure, { right }: WebhookEndpoints): Outcome {
  switch (failure.kind) {
    case 'unauthorized':
      // A 401 is the whole key's matter, and whoever else calls pauses the connection for it.
      return failure.status === 403
        ? { kind: 'trouble', code: 'forbidden', detail: right }
        : { kind: 'trouble', code: 'unavailable', detail: failure.code };
    case 'gone':
      return { kind: 'trouble', code: 'unsupported', detail: null };
    case 'rejected':
    case 'bug':
      return { kind: 'trouble', code: 'refused', detail: failure.code };
    case 'rate-limited':
    case 'unavailable':
    case 'stale':
      return { kind: 'trouble', code: 'unavailable', detail: failure.code };
    default:
      return assertNever(failure.kind);
  }
}

/** One attempt, alone among all processes. What came of it is kept before anybody else may try. */
async function ensureOnce(
  { store }: WebhookEndpointPorts,
  { connection }: Connector,
  webhooks: WebhookEndpoints,
  url: string | null,
): Promise<Outcome> {
  const kept = await store.endpoints.findEndpoint(connection);
  const answer = await webhooks.ensure({ url, known: kept?.endpointId ?? null });
  if (answer.kind === 'failed') {
    const outcome = troubleOf(answer.failure, webhooks);
    if (outcome.kind === 'trouble')
      await store.endpoints.noteTrouble(connection, url ?? kept?.url ?? '', outcome);
    return outcome;
  }
  const delivered = answer.value;
  if (delivered.kind === 'none' || url === null) await store.endpoints.forgetEndpoint(connection);
  else if (delivered.kind === 'standing') await store.endpoints.noteStanding(connection, url);
  else {
    const { id, secret } = delivered;
    await store.endpoints.keepMade(connection, { url, endpointId: id, secret });
  }
  return { kind: 'settled', delivered };
}

async function attempt(
  ports: WebhookEndpointPorts,
  connector: Connector,
  webhooks: WebhookEndpoints,
  url: string | null,
): Promise<Outcome> {
  const { connection } = connector;
  const found = await ports.store.connections.find(connection);
  if (found !== null && found.standstill !== null) return { kind: 'busy' };
  const alone = await ports.exclusively(`webhook endpoint ${connection}`, () =>
    ensureOnce(ports, connector, webhooks, url),
  );
  return alone?.result ?? { kind: 'busy' };
}

/** How it went, in the log: each kind of trouble once, and each thing that was done. */
function createTelling({ log }: WebhookEndpointPorts, connection: ConnectionName, url: string | null) {
  let said: string | null = null;
  return (outcome: Outcome): void => {
    if (outcome.kind === 'busy') return;
    if (outcome.kind === 'trouble') {
      const { code, detail } = outcome;
      const { state, message } = ENDPOINT_TROUBLES[code];
      if (said !== code)
        log.warn(
          { connection, url, detail },
          `webhook endpoint ${state}: ${message} The poll serves meanwhile.`,
        );
      said = code;
      return;
    }
    const { delivered } = outcome;
    const id = delivered.kind === 'none' ? null : delivered.id;
    const quiet = delivered.kind === 'standing' && !delivered.changed && said === 'settled';
    if (!quiet)
      log.info({ connection, url, endpoint: id, result: delivered.kind }, 'webhook endpoint seen to');
    said = 'settled';
  };
}

/**
 * Keeps the one endpoint of this connection standing while the process runs. To be called once the account behind the
 * key is known to be the right one.
 * @param url null: none is wanted, and one that was registered earlier is taken away
 */
export async function keepWebhookEndpoint(
  ports: WebhookEndpointPorts,
  connector: Connector,
  url: string | null,
): Promise<void> {
  const { connection, webhooks } = connector;
  if (webhooks === undefined) return;
  const tell = createTelling(ports, connection, url);
  let retry_ms = RETRY_FIRST_MS;
  while (!ports.stopped()) {
    let pause_ms = retry_ms;
    try {
      if (url === null && (await ports.store.endpoints.findEndpoint(connection)) === null) return;
      const outcome = await attempt(ports, connector, webhooks, url);
      tell(outcome);
      if (outcome.kind !== 'busy') ports.delivers(connection, outcome.kind === 'settled' && url !== null);
      pause_ms = pauseAfter(outcome, retry_ms);
      retry_ms = outcome.kind === 'trouble' ? Math.min(retry_ms * 2, RETRY_LAST_MS) : RETRY_FIRST_MS;
    } catch (error) {
      ports.log.warn(
        { err: error, connection },
        'the webhook endpoint could not be seen to; it is tried again',
      );
    }
    await ports.pause(pause_ms);
  }
}

function pauseAfter(outcome: Outcome, retry_ms: number): number {
  if (outcome.kind === 'busy') return BUSY_MS;
  if (outcome.kind === 'settled') return RECHECK_MS;
  return ENDPOINT_TROUBLES[outcome.code].state === 'degraded' ? DEGRADED_RETRY_MS : retry_ms;
}
