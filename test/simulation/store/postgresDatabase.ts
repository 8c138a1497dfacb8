/** A real Postgres with each statement a step: one connection for each transaction, the clock and chance of the simulation. */
import { Client } from 'pg';
import type { Chance, Contents, SimulatedDatabase, Turns, VirtualClock } from '../engine/ports';
import { Flights } from './flights';
import { Connection, PostgresSession } from './postgresSession';

export interface PostgresRun {
  readonly clock: VirtualClock;
  readonly chance: Chance;
  /** Of what Postgres itself draws. */
  readonly seed: number;
  /** After a commit that wrote to the queue. */
  readonly onNotify?: () => void;
  /** How long a statement waits for a lock, in virtual time; `Infinity` for no bound. */
  readonly lockTimeout_ms?: number;
}

export interface PostgresDatabase extends SimulatedDatabase {
  connect(turns: Turns): PostgresSession;
  /** What is committed in the tables that no oracle reads. */
  others(): Promise<Record<string, readonly Record<string, unknown>[]>>;
  /** The step is over: every statement returned, or waits for a lock. To be awaited between two turns. */
  settled(): Promise<void>;
}

const LOCK_TIMEOUT_MS = 500;
const TABLES = [
  'customers',
  'tombstones',
  'links',
  'work_queue',
  'intents',
  'conflicts',
  'events',
  'timeline',
  'connections',
] as const;

const OTHERS = [
  'delete_guards',
  'delete_passes',
  'event_cursors',
  'owed_hints',
  'paces',
  'sweep_findings',
  'sweep_seen',
  'sweeps',
  'webhook_endpoints',
];

/** Dates as Unix milliseconds. */
function plain(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value instanceof Date ? value.getTime() : value]),
  );
}

export class VirtualPostgres {
  private readonly idle: Connection[] = [];
  private readonly all = new Set<Connection>();
  private flights: Flights;
  private notified = false;
  private stale = false;

  private constructor(
    private readonly url: string,
    private readonly monitor: Client,
  ) {
    this.flights = new Flights(monitor);
    monitor.on('notification', () => {
      this.notified = true;
    });
  }

  /** @param url of a database that `prepareVirtual` made, and that nobody else uses */
  static async open(url: string): Promise<VirtualPostgres> {
    const monitor = new Client({ connectionString: url });
    await monitor.connect();
    await monitor.query('listen counterpart_work');
    return new VirtualPostgres(url, monitor);
  }

  async close(): Promise<void> {
    this.flights.letAllMove();
    for (const connection of this.all) await connection.client.end();
    await this.monitor.end();
  }

  async take(): Promise<Connection> {
    const idle = this.idle.pop();
    if (idle !== undefined) return idle;
    const client = new Client({ connectionString: this.url });
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const connection = new Connection(client, rows[0]!.pid);
    this.all.add(connection);
    return connection;
  }

  giveBack(connection: Connection): void {
    this.stale = true;
    this.idle.push(connection);
  }

  /** Empties the database for a new run; whatever an earlier one left open is rolled back. */
  async begin(run: PostgresRun): Promise<PostgresDatabase> {
    this.flights.letAllMove();
    const left = [...this.all].filter((connection) => !this.idle.includes(connection));
    for (const { pid } of left) await this.monitor.query('select pg_cancel_backend($1)', [pid]);
    for (const connection of left) {
      await connection.client.query('rollback');
      connection.at = '';
      this.idle.push(connection);
    }
    for (const connection of this.all) connection.at = '';
    this.flights = new Flights(this.monitor);
    await this.monitor.query('select virtual.forget($1)', [run.seed]);
    await this.settled(undefined);
    const sessions = { flights: this.flights, take: () => this.take(), giveBack: this.giveBack.bind(this) };
    return {
      connect: (turns) => new PostgresSession(sessions, turns, run, run.lockTimeout_ms ?? LOCK_TIMEOUT_MS),
      contents: async () => (await this.read(TABLES)) as unknown as Contents,
      others: () => this.read(OTHERS),
      settled: () => this.settled(run.onNotify),
    };
  }

  private async settled(onNotify: (() => void) | undefined): Promise<void> {
    await this.flights.settled();
    if (!this.stale) return;
    this.stale = false;
    // whoever listens is told at the latest with the answer to the next statement
    await this.monitor.query('select');
    if (!this.notified) return;
    this.notified = false;
    onNotify?.();
  }

  private async read(tables: readonly string[]): Promise<Record<string, Record<string, unknown>[]>> {
    const found: Record<string, Record<string, unknown>[]> = {};
    for (const table of tables) {
      const { rows } = await this.monitor.query<Record<string, unknown>>(
        `select * from counterpart.${table}`,
      );
      found[table] = rows.map(plain);
    }
    return found;
  }
}
