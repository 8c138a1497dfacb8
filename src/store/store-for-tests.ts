/** What the tests of this room share: a store over a database of its own, and customers written as people write them. */
import { freshDatabase } from '../../test/environment/database';
import type { FreshDatabase } from '../../test/environment/database';
import { parseCatalogName, parseConnectionName, parseRecordId, parseRemoteId, trusted } from '../core/ids';
import type { RecordId, RemoteId } from '../core/ids';
import { openDatabase } from './database';
import type { Database } from './database';
import type { Link } from './links';
import { createStore } from './store';
import type { Store } from './store';

export const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');
export const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');

export interface QueueRow {
  readonly seq: number;
  readonly hint: string;
  readonly rings: number;
  readonly waiting_on: string[];
  /** Milliseconds until it is due, negative when it is due already. */
  readonly due_in_ms: number;
}

export interface Bench {
  readonly database: Database;
  readonly store: Store;
  readonly url: string;
  insert(fields?: { name?: string | null; email?: string | null; id?: RecordId }): Promise<RecordId>;
  queued(id: RecordId): Promise<QueueRow | null>;
  /** Empties the queue, as if every look were done. */
  quiet(): Promise<void>;
  /** Another connection's view of one value. */
  value<T>(sql: string, values?: readonly unknown[]): Promise<T>;
}

export function recordId(text: string): RecordId {
  return trusted(parseRecordId(text), 'record id');
}

export function remoteId(text: string): RemoteId {
  return trusted(parseRemoteId(text), 'remote id');
}

/** A record id nobody has. */
export async function newId(bench: Bench): Promise<RecordId> {
  return recordId(await bench.value<string>('select counterpart.uuidv7()'));
}

/** A new look takes the link. @returns its name there */
export async function beginLook(
  bench: Bench,
  link: { readonly id: number; readonly recordId: RecordId },
): Promise<number> {
  const look = { catalog: CUSTOMER, recordId: link.recordId, runId: null, hint: 'local', paused: [] };
  const lookId = (await bench.store.links.beginLook([link.id], look)).get(link.id);
  if (lookId === undefined) throw new Error('There is no such link');
  return lookId;
}

/** A live link of a new record, in the hands of a new look. */
export async function openLink(bench: Bench, id?: RecordId): Promise<{ link: Link; lookId: number }> {
  const owner = { connection: STRIPE, catalog: CUSTOMER, recordId: id ?? (await newId(bench)) };
  const reserved = await bench.store.links.reserveForRecord(owner, 1);
  const lookId = await beginLook(bench, reserved);
  const link = await bench.store.links.takeFence(reserved.id, lookId);
  if (link === null) throw new Error('A fence was refused to the newest look');
  return { link, lookId };
}

/** One database for a test file. */
export function benches(): () => Bench {
  let fresh: FreshDatabase;
  let bench: Bench;
  beforeAll(async () => {
    fresh = await freshDatabase();
    const database = openDatabase(fresh.url, { max: 12, name: 'test', onIdleError: () => undefined });
    bench = {
      database,
      store: createStore(database),
      url: fresh.url,
      async insert({ name = 'Ann', email = null, id } = {}) {
        return recordId(
          await bench.value<string>(
            'insert into counterpart.customers (id, name, email) values (coalesce($1, counterpart.uuidv7()), $2, $3) returning id',
            [id ?? null, name, email],
          ),
        );
      },
      async queued(id) {
        const { rows } = await database.query<QueueRow>(
          `select seq, hint, rings, waiting_on, (extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as due_in_ms
           from counterpart.work_queue where record_id = $1`,
          [id],
        );
        return rows[0] ?? null;
      },
      quiet: async () => void (await database.query('delete from counterpart.work_queue')),
      async value<T>(sql: string, values?: readonly unknown[]) {
        const { rows } = await database.query<Record<string, T>>(sql, values);
        return Object.values(rows[0] ?? {})[0] as T;
      },
    };
  });
  afterAll(async () => {
    await bench.database.close();
    await fresh.drop();
  });
  return () => bench;
}
