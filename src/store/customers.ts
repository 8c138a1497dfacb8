/** Customers and their tombstones as the API reads and writes them. Triggers count versions and queue the looks. */
import { parseRecordId, trusted } from '../core/ids';
import type { RecordId } from '../core/ids';
import type { Sql } from './database';
import { sameForm } from './sameForm';
import { hasState, mayHaveState } from './syncState';
import type { SyncState } from './syncState';

export interface CustomerValues {
  readonly name: string | null;
  readonly email: string | null;
}

export interface Customer extends CustomerValues {
  readonly id: RecordId;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Null while it lives. */
  readonly deletedAt: Date | null;
}

interface Row {
  id: string;
  name: string | null;
  email: string | null;
  version: number;
  created_at: Date;
  updated_at: Date;
  deleted_at: Date | null;
}

const LIVE = 'id, name, email, version, created_at, updated_at, null::timestamptz as deleted_at';
/** A deleted customer's last change is its deletion. */
const DELETED = `record_id as id, fields ->> 'name' as name, fields ->> 'email' as email, version, created_at,
  deleted_at as updated_at, deleted_at`;

function customer(row: Row): Customer {
  return {
    id: trusted(parseRecordId(row.id), 'record id'),
    name: row.name,
    email: row.email,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at,
  };
}

async function one(sql: Sql, statement: string, values: readonly unknown[]): Promise<Customer | null> {
  const { rows } = await sql.query<Row>(statement, values);
  return rows[0] === undefined ? null : customer(rows[0]);
}

/** @throws when a trigger of the product swallowed the write */
async function written(sql: Sql, statement: string, values: readonly unknown[]): Promise<Customer> {
  const row = await one(sql, statement, values);
  if (row === null) throw new Error('A trigger on counterpart.customers swallowed a write of the API');
  return row;
}

export function findLive(sql: Sql, id: RecordId): Promise<Customer | null> {
  return one(sql, `select ${LIVE} from counterpart.customers where id = $1`, [id]);
}

/** As `findLive`, and holds the row until the transaction ends. */
export function lockLive(sql: Sql, id: RecordId): Promise<Customer | null> {
  return one(sql, `select ${LIVE} from counterpart.customers where id = $1 for update`, [id]);
}

const FIND_DELETED = `select ${DELETED} from counterpart.tombstones where catalog = 'customer' and record_id = $1`;

export function findDeleted(sql: Sql, id: RecordId): Promise<Customer | null> {
  return one(sql, FIND_DELETED, [id]);
}

/** As `findDeleted`, and holds the tombstone until the transaction ends. */
export function lockDeleted(sql: Sql, id: RecordId): Promise<Customer | null> {
  return one(sql, `${FIND_DELETED} for update`, [id]);
}

/** Whether the id belongs to an object born elsewhere that was not pulled yet. */
export async function isReserved(sql: Sql, id: RecordId): Promise<boolean> {
  const { rows } = await sql.query(
    `select 1 from counterpart.links where catalog = 'customer' and record_id = $1 and state = 'reserved' limit 1`,
    [id],
  );
  return rows.length > 0;
}

/**
 * Ends what an id was reserved for, where the object was not found and never pulled: its id is remembered and ignored from then on.
 * A look at work writes nothing more, for its fence is old.
 * @returns whether this id was given up, now or before
 */
export async function giveUpMissing(sql: Sql, id: RecordId): Promise<boolean> {
  await sql.query(
    `update counterpart.links set state = 'void', outcome = 'deleted', reason = null, reason_since = null,
       fence = counterpart.fresh_number(), decision = jsonb_build_object('what', 'given up by an operator: never pulled, not found there')
     where catalog = 'customer' and record_id = $1 and state = 'reserved' and born = 'remote'
       and outcome = 'parked' and reason ->> 'code' = 'remote_missing'
       and not exists (select from counterpart.intents i where i.link_id = links.id and i.ended_at is null)`,
    [id],
  );
  const { rows } = await sql.query(
    `select 1 from counterpart.links where catalog = 'customer' and record_id = $1 and state = 'void' limit 1`,
    [id],
  );
  return rows.length > 0;
}

export function insert(sql: Sql, values: CustomerValues): Promise<Customer> {
  return written(sql, `insert into counterpart.customers (name, email) values ($1, $2) returning ${LIVE}`, [
    values.name,
    values.email,
  ]);
}

/** Writes only the given fields, so that nothing is said about the others. The row is locked by the caller. */
export function update(sql: Sql, id: RecordId, values: Partial<CustomerValues>): Promise<Customer> {
  const names = (['name', 'email'] as const).filter((name) => values[name] !== undefined);
  const sets = names.map((name, i) => `${name} = $${i + 2}`);
  return written(sql, `update counterpart.customers set ${sets.join(', ')} where id = $1 returning ${LIVE}`, [
    id,
    ...names.map((name) => values[name]),
  ]);
}

/** A trigger leaves the tombstone. */
export async function remove(sql: Sql, id: RecordId): Promise<void> {
  await sql.query('delete from counterpart.customers where id = $1', [id]);
}

/** The explicit restore: a trigger takes the tombstone away and goes on counting its version. */
export function restore(sql: Sql, deleted: Customer): Promise<Customer> {
  return written(
    sql,
    `insert into counterpart.customers (id, name, email) values ($1, $2, $3) returning ${LIVE}`,
    [deleted.id, deleted.name, deleted.email],
  );
}

/**
 * Writers of the same e-mail take turns until their transactions end; the engine's pulls take the same lock. Before any
 * row lock, or two of them could wait for each other.
 */
export async function lockEmail(sql: Sql, email: string): Promise<void> {
  await sql.query(
    `select pg_advisory_xact_lock(hashtextextended('customer:' || counterpart.canonical_email($1), 0))`,
    [email],
  );
}

const CANONICAL_EMAIL = 'counterpart.canonical_email';

/** More customers than this with one e-mail are counted, not named. */
export const MATCHES_MAX = 100;

/** Live customers with this e-mail in its canonical form, oldest first, `MATCHES_MAX` at most. */
export async function findByEmail(
  sql: Sql,
  email: string,
  except: RecordId | null,
): Promise<{ ids: RecordId[]; total: number }> {
  const { rows } = await sql.query<{ id: string; total: number }>(
    `select id, count(*) over () as total from counterpart.customers
     where ${sameForm(CANONICAL_EMAIL, 'email', '$1')} and id is distinct from $2
     order by created_at, id limit ${MATCHES_MAX}`,
    [email, except],
  );
  return { ids: rows.map((row) => trusted(parseRecordId(row.id), 'record id')), total: rows[0]?.total ?? 0 };
}

export async function sameEmail(sql: Sql, a: string | null, b: string | null): Promise<boolean> {
  const { rows } = await sql.query<{ same: boolean }>(
    'select counterpart.canonical_email($1) is not distinct from counterpart.canonical_email($2) as same',
    [a, b],
  );
  return rows[0]?.same ?? false;
}

/** The place of a row in the list, newest first. */
export interface Place {
  readonly createdAt: Date;
  readonly id: RecordId;
}

export interface ListFilter {
  readonly after: Place | null;
  /** Compared in canonical form. */
  readonly email: string | null;
  /** At any connection. `deleted` finds tombstones only. */
  readonly state: SyncState | null;
  readonly includeDeleted: boolean;
}

/**
 * One page, newest first. With `email` or without a filter it reads as many rows as it returns; with `state` it reads
 * down the list until the page is full, at most every row once (see `mayHaveState` for the states an index narrows).
 */
export async function list(sql: Sql, limit: number, filter: ListFilter): Promise<Customer[]> {
  const values: unknown[] = [limit];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const email = filter.email === null ? null : bind(filter.email);
  const after =
    filter.after === null
      ? null
      : `(${bind(filter.after.createdAt)}::timestamptz, ${bind(filter.after.id)}::uuid)`;
  const state = filter.state === null ? null : bind(filter.state);
  const page = (source: string, columns: string, id: string, address: string, live: boolean): string => {
    const conditions = [
      live ? null : `r.catalog = 'customer'`,
      email && sameForm(CANONICAL_EMAIL, address, email),
      after && `(r.created_at, ${id}) < ${after}`,
      filter.state && mayHaveState(filter.state, id),
      state && hasState(state, id, live),
    ].filter((condition) => condition !== null);
    const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
    return `(select ${columns} from counterpart.${source} r ${where} order by r.created_at desc, ${id} desc limit $1)`;
  };
  const pages = [
    ...(filter.state === 'deleted' ? [] : [page('customers', LIVE, 'r.id', 'r.email', true)]),
    ...(filter.includeDeleted || filter.state === 'deleted'
      ? [page('tombstones', DELETED, 'r.record_id', `(r.fields ->> 'email')`, false)]
      : []),
  ];
  const { rows } = await sql.query<Row>(
    `select * from (${pages.join(' union all ')}) as found order by created_at desc, id desc limit $1`,
    values,
  );
  return rows.map(customer);
}
