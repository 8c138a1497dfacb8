/**
 * The way to Postgres: a pool, transactions that survive deadlocks, and nothing else. Statements live in the files
 * beside this one, a file per table, a function per statement.
 * May touch: pg, src/core, src/catalogs. Touched by: activities, src/queue, src/inbound, src/api (through their ports).
 */
import { DatabaseError, Pool, types } from 'pg';
import type { PoolClient, QueryConfig, QueryResultRow } from 'pg';
import { failedByName, nameOf } from './prepared';

/** What a statement needs: a pool for single statements, a client inside a transaction. */
export interface Sql {
  query<Row extends QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

export interface Database extends Sql {
  readonly pool: Pool;
  /**
   * Runs `work` in one transaction, again from the start when Postgres chose it as the victim of a deadlock or of a
   * serialization failure. `work` must therefore have no effect outside the transaction.
   */
  transact<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * As `transact`, but its commit does not wait for the disk. A crash of Postgres may lose it; what was committed before any
   * later flushed commit is never lost, for the log is written in order (postgresql.org/docs/current/wal-async-commit.html).
   * So only for what a look does again by itself, and where nothing outside happens before the next flushed commit.
   */
  transactUnflushed<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** 40001 serialization_failure, 40P01 deadlock_detected (postgresql.org/docs/current/errcodes-appendix.html). */
const RETRIED_CODES: ReadonlySet<unknown> = new Set(['40001', '40P01']);
const TRANSACTION_ATTEMPTS = 4;
/** For a connection of the pool, whether it is made anew or waited for because all are in use. */
const CONNECT_TIMEOUT_MS = 5_000;
/** A statement of ours takes milliseconds; one that waits longer is stuck behind a lock, and its look is better repeated. */
const STATEMENT_TIMEOUT_MS = 10_000;

/**
 * The other side of a connection may vanish without a word: a fail-over, a machine lost, a router that forgets. Postgres's own
 * time-out cannot be heard then, so the wait has an end here as well, a little later.
 */
const SILENCE_BEYOND_MS = 1_000;

/** A condition that is true, and makes its statement's own transaction one that does not wait for the disk. */
export const UNFLUSHED = `set_config('synchronous_commit', 'off', true) is not null`;

// Versions and sequence numbers are far below 2^53, so bigint columns are read as numbers.
types.setTypeParser(types.builtins.INT8, (text) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error('A bigint column holds a value beyond 2^53');
  return value;
});

function sqlCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** A connection over which one of our statements got no answer may still get it: it is not used again. */
class UnansweredStatement extends Error {
  override readonly name = 'UnansweredStatement';
}

/** Every connection of this process is in use, and none became free in time. Postgres itself may be well. */
export class PoolExhausted extends Error {
  override readonly name = 'PoolExhausted';
}

/** Postgres, or whatever stands between, did not answer a statement in time. What became of it is not known. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** By their messages: pg gives these errors no code. */
const TIMED_OUT: Readonly<Record<string, new (message: string, options: ErrorOptions) => Error>> = {
  'timeout exceeded when trying to connect': PoolExhausted,
  'Query read timeout': NoAnswer,
};

/** Gives the driver's errors for what took too long a name: for logs, which print no messages, and for the API. */
function throwNamed(error: unknown): never {
  if (!(error instanceof Error)) throw error;
  const TimedOut = TIMED_OUT[error.message];
  throw TimedOut === undefined ? error : new TimedOut(error.message, { cause: error });
}

/** How a statement is put to the driver. */
type Put = (text: string, values?: readonly unknown[]) => QueryConfig;

const put: Put = (text, values) => (values === undefined ? { text } : { text, values: [...values] });

const putByName: Put = (text, values) => {
  const name = nameOf(text);
  return name === undefined ? put(text, values) : { name, ...put(text, values) };
};

/** The transaction's statements; @param unanswered is told of each that ended otherwise than by Postgres's word */
function watched(client: PoolClient, putting: Put, unanswered: () => void): Sql {
  return {
    async query(text, values) {
      try {
        return await client.query(putting(text, values));
      } catch (error) {
        if (!(error instanceof DatabaseError)) unanswered();
        throwNamed(error);
      }
    },
  };
}

interface Attempted<T> {
  readonly outcome: { readonly done: T } | { readonly failed: unknown };
  /** Whether the connection may be used for anything else. */
  readonly sound: boolean;
}

async function attempt<T>(
  client: PoolClient,
  putting: Put,
  begin: string,
  work: (sql: Sql) => Promise<T>,
): Promise<Attempted<T>> {
  let sound = true;
  const sql = watched(client, putting, () => (sound = false));
  try {
    await sql.query(begin);
    const done = await work(sql);
    await sql.query('commit');
    return { outcome: { done }, sound };
  } catch (failed) {
    // Where Postgres does not answer it rolls back by itself when the connection is closed; the first error tells more.
    if (sound) await sql.query('rollback').catch(() => undefined);
    return { outcome: { failed }, sound };
  }
}

/**
 * @param options.max connections at most, from this process
 * @param options.connectTimeoutMs how long a connection is waited for; then it is `PoolExhausted`
 * @param options.lockTimeoutMs how long a statement waits for a row that somebody else holds: a product's long
 * transaction must not take up every connection of ours
 * @param options.statementTimeoutMs by Postgres's clock; without an answer the connection is given up a second later
 * @param options.onIdleError hears of connections that broke while idle (a Postgres restart); the pool replaces them
 */
export function openDatabase(
  url: string,
  options: {
    max: number;
    name: string;
    connectTimeoutMs?: number;
    lockTimeoutMs?: number;
    statementTimeoutMs?: number;
    onIdleError: (error: Error) => void;
  },
): Database {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const pool = new Pool({
    connectionString: url,
    max: options.max,
    application_name: options.name,
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + SILENCE_BEYOND_MS,
    ...(options.lockTimeoutMs === undefined ? {} : { lock_timeout: options.lockTimeoutMs }),
    keepAlive: true,
  });
  pool.on('error', options.onIdleError);
  // Of a connection that breaks in the very turn in which it is handed out nobody has heard yet; unheard, that would end the
  // process. Whoever has it learns of it from the next statement.
  pool.on('connect', (client) => client.on('error', () => undefined));
  // Until names are found not to work here; then never again in this process.
  let putting = putByName;

  /** Whether to try once more, without names. */
  function namesFailed(used: Put, error: unknown): boolean {
    if (used !== putByName || !failedByName(sqlCode(error))) return false;
    putting = put;
    return true;
  }

  async function query(text: string, values?: readonly unknown[]) {
    const used = putting;
    try {
      return await pool.query(used(text, values));
    } catch (error) {
      if (nameOf(text) === undefined || !namesFailed(used, error)) throwNamed(error);
      return pool.query(put(text, values)).catch(throwNamed);
    }
  }

  async function transact<T>(begin: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    for (let left = TRANSACTION_ATTEMPTS - 1; ; left -= 1) {
      const client = await pool.connect().catch(throwNamed);
      let broken: Error | undefined;
      // A connection that breaks while checked out also emits 'error'; unheard, that would end the process.
      const onError = (error: Error): void => {
        broken = error;
      };
      client.on('error', onError);
      const used = putting;
      const { outcome, sound } = await attempt(client, used, begin, work);
      client.off('error', onError);
      client.release(broken ?? (sound ? undefined : new UnansweredStatement(begin)));
      if ('done' in outcome) return outcome.done;
      if (namesFailed(used, outcome.failed)) continue;
      if (left <= 0 || !RETRIED_CODES.has(sqlCode(outcome.failed))) throw outcome.failed;
    }
  }

  return {
    pool,
    query: query as never,
    transact: (work) => transact('begin', work),
    transactUnflushed: (work) => transact('begin; set local synchronous_commit = off', work),
    close: () => pool.end(),
  };
}
