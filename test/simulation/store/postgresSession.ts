/** A process's way into a real Postgres, a statement a step. */
import type { Client } from 'pg';
import type { Store } from '../../../src/store/store';
import type { DatabaseSession, ProductWrites, Turns } from '../engine/ports';
import type { Flight, Flights } from './flights';
import { DatabaseFailure, CODES } from './failure';
import type { PostgresRun } from './postgresDatabase';
import { productWrites } from './productWrites';
import { storeOver } from './way';
import type { Begun, Run, Way } from './way';

/** A connection of Postgres, of one transaction at a time. */
export class Connection {
  /** What it was told last of the clock. */
  at = '';
  constructor(
    readonly client: Client,
    readonly pid: number,
  ) {}
}

export interface Connections {
  readonly flights: Flights;
  take(): Promise<Connection>;
  giveBack(connection: Connection): void;
}

/** These wait for locks by a timer of their own. */
const SELF_TIMED = /enqueue_passing|place_owed/;

interface Open {
  readonly began_ms: number;
  readonly lock_ms: number;
  connection: Connection | null;
  flight: Flight | null;
  ended: boolean;
}

const DIED = new Error('The process died');
/** Stands for a connection that is being made. */
const UNBORN = { pid: 0 };

type Answer = Awaited<ReturnType<Run>>;

export class PostgresSession implements DatabaseSession, Way {
  readonly store: Store;
  readonly product: ProductWrites;
  private readonly open = new Set<Open>();
  private dropped = false;

  constructor(
    private readonly connections: Connections,
    private readonly turns: Turns,
    private readonly world: Pick<PostgresRun, 'clock' | 'chance'>,
    private readonly lock_ms: number,
  ) {
    this.store = storeOver(this);
    this.product = productWrites(this, world.chance);
  }

  drop(): void {
    this.dropped = true;
    for (const of of this.open) void this.breakOff(of);
    this.open.clear();
  }

  /** The next step waits until its connection has rolled back. */
  private async breakOff(of: Open): Promise<void> {
    const { connection, flight } = of;
    of.ended = true;
    if (connection === null) return;
    if (flight !== null) this.connections.flights.cancel(flight, DIED);
    await this.fly(of, connection, false, () => connection.client.query('rollback'));
    connection.at = '';
    this.connections.giveBack(connection);
  }

  private async turn(label: string): Promise<void> {
    await this.turns.turn(label);
    await this.alive();
  }

  /** A process that died never hears of anything again. */
  private async alive(): Promise<void> {
    if (this.dropped) await new Promise<never>(() => undefined);
  }

  private async fly<T>(
    of: Open,
    connection: Pick<Connection, 'pid'> & Partial<Connection>,
    selfTimed: boolean,
    work: () => Promise<T>,
    onWaiting: () => void = () => undefined,
  ): Promise<T> {
    const flight: Flight = {
      pid: connection.pid,
      selfTimed,
      onWaiting,
      waited: false,
      halted: false,
      cancelled: null,
    };
    of.flight = flight;
    try {
      return await this.connections.flights.fly(flight, () => this.untilReady(connection, work));
    } finally {
      if (of.flight === flight) of.flight = null;
    }
  }

  /** Postgres tells of a failure before it has let go of the transaction's locks; it is ready for the next statement after. */
  private async untilReady<T>({ client }: Partial<Connection>, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await client?.query('');
      throw error;
    }
  }

  private begun(patient: boolean): Open {
    const began_ms = this.world.clock.now_ms();
    const lock_ms = patient ? Infinity : this.lock_ms;
    const of = { began_ms, lock_ms, connection: null, flight: null, ended: false };
    this.open.add(of);
    return of;
  }

  /** Sends a statement at this turn. Whoever waited for a lock takes another turn before anybody hears what came of it. */
  private async send(of: Open, label: string, text: string, values: readonly unknown[]): Promise<Answer> {
    const connection = of.connection!;
    const { client } = connection;
    let waited = false;
    const onWaiting = (): void => {
      waited = true;
      if (of.lock_ms === Infinity) return;
      const { flight } = of;
      void this.turns.sleep(of.lock_ms, `${label} waits`).then(() => {
        if (flight === null || of.flight !== flight || this.dropped) return undefined;
        return this.connections.flights.cancel(
          flight,
          new DatabaseFailure(CODES.lockTimeout, 'canceling statement due to lock timeout'),
        );
      });
    };
    const work = async (): Promise<Answer> => {
      await this.tell(connection, of);
      return client.query(text, [...values]);
    };
    try {
      return await this.fly(of, connection, SELF_TIMED.test(text), work, onWaiting);
    } finally {
      if (waited) await this.turn(label);
    }
  }

  private async tell(connection: Connection, of: Open): Promise<void> {
    const now = this.world.clock.now_ms();
    const at = `${now} ${of.began_ms}`;
    if (connection.at === at) return;
    await connection.client.query('select virtual.at($1, $2)', [now, String(of.began_ms)]);
    connection.at = at;
  }

  async run(label: string, text: string, values: readonly unknown[]): Promise<Answer> {
    await this.turn(label);
    const of = this.begun(false);
    await this.connect(of);
    try {
      return await this.send(of, label, text, values);
    } finally {
      this.close(of);
    }
  }

  private close(of: Open): void {
    this.open.delete(of);
    if (of.ended) return;
    of.ended = true;
    if (of.connection !== null) this.connections.giveBack(of.connection);
  }

  begin({ patient = false }: Parameters<Way['begin']>[0]): Begun {
    const of = this.begun(patient);
    return {
      run: async (label, text, values) => {
        await this.turn(label);
        if (of.connection === null) await this.start(of);
        return this.send(of, label, text, values);
      },
      end: async (how) => {
        await this.turn(how);
        const { connection } = of;
        if (connection === null || of.ended) return this.close(of);
        try {
          await this.fly(of, connection, true, async () => {
            await this.connections.flights.tellClock(this.world.clock.now_ms());
            await connection.client.query(how);
          });
        } finally {
          // what was told of the clock is taken back with the transaction
          connection.at = '';
          this.close(of);
        }
      },
    };
  }

  private async start(of: Open): Promise<void> {
    const connection = await this.connect(of);
    await this.fly(of, connection, false, () => connection.client.query('begin'));
  }

  /** A new connection takes its time, and the step waits for it. */
  private async connect(of: Open): Promise<Connection> {
    const connection = await this.fly(of, UNBORN, true, () => this.connections.take());
    of.connection = connection;
    return connection;
  }
}
