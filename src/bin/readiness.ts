import type { Readiness } from '../api/readiness';
import type { Connection } from '../store/connections';
import { PoolExhausted } from '../store/database';
import type { Assembly } from './assemble';

type Parts = Pick<Assembly, 'store' | 'log'>;

const NOT_REACHABLE = 'not reachable';
const POOL_EXHAUSTED = 'all connections of this process are in use';

/** Null where it serves; no host, for this is shown without a key. */
function troubleOf({ standstill, down }: Connection): string | null {
  return standstill === 'down' ? `down: ${down?.code ?? 'no answer'}` : standstill;
}

/** Whether Postgres answers with our schema, and which connections are paused or down. */
async function askPostgres({ store, log }: Parts): Promise<Readiness> {
  try {
    const troubles = (await store.connections.list()).flatMap((connection) => {
      const trouble = troubleOf(connection);
      return trouble === null ? [] : [[`connection ${connection.name}`, trouble] as const];
    });
    const status = troubles.length === 0 ? 'ok' : 'degraded';
    return { ready: true, status, parts: { postgres: 'ok', ...Object.fromEntries(troubles) } };
  } catch (error) {
    log.warn({ err: error }, 'Postgres does not answer');
    const postgres = error instanceof PoolExhausted ? POOL_EXHAUSTED : NOT_REACHABLE;
    return { ready: false, status: 'degraded', parts: { postgres } };
  }
}

/**
 * What `GET /health/ready` tells of this process.
 * @param temporalAnswers given by a process that cannot do its job without Temporal
 */
export async function readinessOf(
  parts: Parts,
  temporalAnswers?: () => Promise<boolean>,
): Promise<Readiness> {
  if (temporalAnswers === undefined) return askPostgres(parts);
  const [postgres, temporal] = await Promise.all([askPostgres(parts), temporalAnswers()]);
  return {
    ready: postgres.ready && temporal,
    status: temporal ? postgres.status : 'degraded',
    parts: { ...postgres.parts, temporal: temporal ? 'ok' : NOT_REACHABLE },
  };
}
