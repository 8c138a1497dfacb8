/** Our side, as a program with a Postgres connection of its own would see it: plain SQL on `counterpart.customers`. */
import { Client, Pool } from 'pg';

const WRITERS = 8;

/**
 * Tells the bench of each committed change, on a channel of its own. Only while propagation is measured: under load it
 * would cost what is being measured.
 */
const WATCH = `
create function counterpart.bench_tell() returns trigger language plpgsql as $$
begin
  perform pg_notify('counterpart_bench', new.name);
  return null;
end
$$;
create trigger bench_tell after update on counterpart.customers for each row execute function counterpart.bench_tell();
`;
const UNWATCH = `
drop trigger bench_tell on counterpart.customers;
drop function counterpart.bench_tell();
`;

export interface Known {
  readonly id: string;
  readonly remoteId: string;
}

export class LocalSide {
  private onName: (name: string, arrivedMs: number) => void = () => undefined;

  private constructor(
    private readonly pool: Pool,
    private readonly ear: Client,
  ) {
    ear.on('notification', ({ payload }) => this.onName(payload ?? '', performance.now()));
  }

  static async open(databaseUrl: string): Promise<LocalSide> {
    const pool = new Pool({
      connectionString: databaseUrl,
      max: WRITERS + 1,
      application_name: 'counterpart bench',
    });
    pool.on('error', (error) => console.error(`the bench lost a Postgres connection: ${error.message}`));
    const ear = new Client({ connectionString: databaseUrl, application_name: 'counterpart bench' });
    ear.on('error', () => undefined); // the pool's connections break as well, and say so
    await ear.connect();
    return new LocalSide(pool, ear);
  }

  static readonly writers = WRITERS;

  /** The change a product's own code makes. Resolves when it is committed. */
  async rename(id: string, name: string): Promise<void> {
    await this.pool.query('update counterpart.customers set name = $2 where id = $1', [id, name]);
  }

  /** So many new customers, in one statement. */
  async insert(count: number): Promise<void> {
    await this.pool.query(
      `insert into counterpart.customers (name, email)
       select 'Made ' || i, 'made-' || i || '@example.com' from generate_series(1, $1) as i`,
      [count],
    );
  }

  /** Every customer renamed, in one statement. */
  async renameAll(name: string): Promise<void> {
    await this.pool.query(`update counterpart.customers set name = $1 || ' ' || id`, [name]);
  }

  /** Records that wait for a connection and for nothing else: no look is due for them before long. */
  async putAway(): Promise<number> {
    return this.number(
      `select count(*)::int as n from counterpart.work_queue
       where waiting_on <> '{}' and due_at > now() + interval '20 minutes'`,
    );
  }

  /** @param told gets the new name of each row and the moment the news of its commit arrived, by performance.now() */
  async watch(told: (name: string, arrivedMs: number) => void): Promise<() => Promise<void>> {
    this.onName = told;
    await this.pool.query(WATCH);
    await this.ear.query('listen counterpart_bench');
    return async () => {
      await this.ear.query('unlisten counterpart_bench');
      await this.pool.query(UNWATCH);
    };
  }

  async known(): Promise<Known[]> {
    const { rows } = await this.pool.query<Known>(
      `select record_id as id, remote_id as "remoteId" from counterpart.links where state = 'linked' order by id`,
    );
    return rows;
  }

  async queueDepth(): Promise<number> {
    return this.number('select count(*)::int as n from counterpart.work_queue');
  }

  async countNamed(prefix: string): Promise<number> {
    return this.number('select count(*)::int as n from counterpart.customers where starts_with(name, $1)', [
      prefix,
    ]);
  }

  async names(): Promise<Map<string, string | null>> {
    const { rows } = await this.pool.query<{ remote_id: string; name: string | null }>(
      `select l.remote_id, c.name from counterpart.customers c
       join counterpart.links l on l.record_id = c.id where l.state = 'linked'`,
    );
    return new Map(rows.map((row) => [row.remote_id, row.name]));
  }

  /** Grows by one at each hint, whatever becomes of the row. */
  async hintsSoFar(): Promise<number> {
    return this.number('select last_value::int as n from counterpart.work_seq');
  }

  async eventsWith(result: string): Promise<number> {
    return this.number('select count(*)::int as n from counterpart.events where result = $1', [result]);
  }

  async close(): Promise<void> {
    await this.ear.end();
    await this.pool.end();
  }

  private async number(text: string, values: unknown[] = []): Promise<number> {
    const { rows } = await this.pool.query<{ n: number }>(text, values);
    return rows[0]?.n ?? 0;
  }
}
