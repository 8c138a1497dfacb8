import type { RecordId } from '../../core/ids';
import { REASONS } from '../../core/reason';
import type { Customer } from '../../store/customers';
import type { Sql } from '../../store/database';
import { readSync } from '../../store/syncState';
import type { SyncEntry } from '../../store/syncState';
import { json } from '../answer';
import type { Answer } from '../answer';
import { Problem } from '../problem';
import type { CustomerBody } from './shapes';

type SyncBody = CustomerBody['sync'];
type ReasonBody = NonNullable<SyncBody[number]['reason']>;

/** A reason with its words from REASONS. */
export function presentReason(reason: NonNullable<SyncEntry['reason']>): ReasonBody {
  // A newer version of the product may have written a code that this one does not know.
  const known: { message: string; action: string } | undefined = REASONS[reason.code];
  const { message, action } = known ?? {
    message: 'A reason this version has no words for.',
    action: 'Update.',
  };
  const { code, field, detail, since } = reason;
  return { code, message, action, field, detail, since: since?.toISOString() ?? null };
}

function presentSync(entries: readonly SyncEntry[]): SyncBody {
  return entries.map((entry) => ({
    connection: entry.connection,
    remote_id: entry.remoteId,
    state: entry.state,
    synced_version: entry.syncedVersion,
    last_synced_at: entry.lastSyncedAt?.toISOString() ?? null,
    possible_duplicate: entry.possibleDuplicate,
    reason: entry.reason === null ? null : presentReason(entry.reason),
  }));
}

/** The `sync` array of one record. */
export async function syncOf(sql: Sql, id: RecordId, live: boolean): Promise<SyncBody> {
  return presentSync((await readSync(sql, [{ id, live }])).get(id) ?? []);
}

/** Customers as the API shows them, in the given order. */
export async function present(sql: Sql, customers: readonly Customer[]): Promise<CustomerBody[]> {
  const sync = await readSync(
    sql,
    customers.map((customer) => ({ id: customer.id, live: customer.deletedAt === null })),
  );
  return customers.map((customer) => ({
    id: customer.id,
    name: customer.name,
    email: customer.email,
    version: customer.version,
    created_at: customer.createdAt.toISOString(),
    updated_at: customer.updatedAt.toISOString(),
    ...(customer.deletedAt === null ? {} : { deleted_at: customer.deletedAt.toISOString() }),
    sync: presentSync(sync.get(customer.id) ?? []),
  }));
}

/** One customer with its ETag. */
export async function answerWith(
  sql: Sql,
  customer: Customer,
  status: 200 | 201,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const [body] = await present(sql, [customer]);
  return json(status, body, { ETag: `"${customer.version}"`, ...headers });
}

/** 410 for a deleted customer, with the time and what the connections have confirmed. */
export async function gone(sql: Sql, deleted: Customer): Promise<Problem> {
  return new Problem(
    'customer_deleted',
    `It can be brought back with POST /customers/${deleted.id}/restore.`,
    {
      members: { deleted_at: deleted.deletedAt?.toISOString(), sync: await syncOf(sql, deleted.id, false) },
    },
  );
}
