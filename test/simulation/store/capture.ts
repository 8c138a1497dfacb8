/** The triggers on the customers' table. */
import type { Fields } from '../../../src/core/fields';
import type { Call, Waiting } from './call';
import { enqueue } from './enqueue';
import { CODES, DatabaseFailure } from './failure';
import { isLive, key } from './schema';
import type { CustomerRow, LinkRow, TombstoneRow } from './schema';
import { tell, tellLinkChanged } from './told';
import { change, holdSeen, insert, remove, update, upsert } from './writing';

const CATALOG = 'customer';
const FIELDS = ['name', 'email'] as const;

const fieldsOf = ({ name, email }: CustomerRow): Fields => ({ name, email });

/** `counterpart.writing_link`: the link through which the sync writes, null for anybody else. */
function writingLink(call: Call): LinkRow | null {
  const { writer, link } = call.tx;
  return writer === 'sync' && link !== '' ? call.tables.links.read(call, Number(link)) : null;
}

/** A change of a record, and through which link it came. */
function tellChange(
  call: Call,
  record_id: string,
  version: number,
  changes: Record<string, readonly [unknown, unknown]>,
  does: string,
): void {
  const through = writingLink(call);
  tell(call, {
    catalog: CATALOG,
    record_id,
    kind: 'change',
    connection: through?.connection ?? null,
    link_id: through?.id ?? null,
    run_id: through?.run_id ?? null,
    version,
    changes,
    detail: { does },
  });
}

function* enqueueUnlessOwn(call: Call, ids: readonly string[]): Waiting<void> {
  if (call.tx.writer !== 'sync') yield* enqueue(call, CATALOG, ids, 'local');
}

/** INSERT INTO customers of one row, with `count_version` before and `queue_inserted` after it. */
export function* insertCustomer(
  call: Call,
  values: { id: string; name: string | null; email: string | null },
): Waiting<CustomerRow> {
  const tombstone = call.tables.tombstones.read(call.fresh(), key(CATALOG, values.id));
  const row = yield* insert<CustomerRow>(call, call.tables.customers, {
    id: values.id,
    name: values.name,
    email: values.email,
    version: (tombstone?.version ?? 0) + 1,
    created_at: tombstone?.created_at ?? Math.round(call.now),
    updated_at: Math.round(call.now),
  });
  if (row === null) throw new Error('An INSERT without ON CONFLICT inserts or fails');
  call.atEnd(() => queueInserted(call, row));
  return row;
}

function* queueInserted(call: Call, row: CustomerRow): Waiting<void> {
  yield* call.nested(function* work(inner) {
    const gone = yield* takeTombstone(inner, row.id);
    const after: Record<string, unknown> = fieldsOf(row);
    const changes: Record<string, readonly [unknown, unknown]> = {};
    for (const field of FIELDS)
      if (gone === null || gone.fields[field] !== after[field])
        changes[field] = [gone?.fields[field] ?? null, after[field]];
    tellChange(inner, row.id, row.version, changes, gone === null ? 'create' : 'restore');
    if (gone === null) return;
    yield* beginAnew(inner, row.id);
    // the tombstone was looked for before the id's index made this INSERT wait for the transaction that deleted it
    if (row.version <= gone.version)
      throw new DatabaseFailure(CODES.serialization, 'the record was being deleted while it was restored');
  });
  yield* enqueueUnlessOwn(call, [row.id]);
}

function* takeTombstone(call: Call, id: string): Waiting<TombstoneRow | null> {
  const slot = call.tables.tombstones.slots.get(key(CATALOG, id));
  if (slot === undefined) return null;
  const gone = yield* holdSeen(call, slot, 'update', () => true);
  if (gone !== null) remove(call, slot);
  return gone;
}

/**
 * Restored before the look that would have sent the deletion, or agreed on one there: the restore is the later word, and what an
 * attempt read before it is old.
 */
function* beginAnew(call: Call, id: string): Waiting<void> {
  const owed = (link: LinkRow): boolean =>
    link.catalog === CATALOG && link.record_id === id && isLive(link.state) && link.remote_id !== null;
  for (const slot of call.tables.links.slots.values()) {
    const written = yield* change(call, slot, 'no key update', owed, (link): LinkRow => ({
      ...link,
      fence: call.memory.freshNumber(),
      look_id: call.memory.freshNumber(),
      state: link.state === 'reserved' ? 'reserved' : 'deleting',
    }));
    if (written !== null) tellLinkChanged(call, written.before, written.after);
  }
}

/** UPDATE customers SET … WHERE id = …, of the fields that are given. */
export function* updateCustomer(call: Call, id: string, values: Fields): Waiting<CustomerRow | null> {
  const slot = call.tables.customers.slots.get(id);
  if (slot === undefined) return null;
  const before = yield* holdSeen(call, slot, 'no key update', () => true);
  if (before === null) return null;
  const written = { ...before, ...values } as CustomerRow;
  const edited = FIELDS.some((field) => written[field] !== before[field]);
  const after = edited
    ? { ...written, version: before.version + 1, updated_at: Math.round(call.now) }
    : written;
  const row = yield* update(call, slot, before, after);
  if (edited) call.atEnd(() => queueUpdated(call, before, row));
  return row;
}

function* queueUpdated(call: Call, before: CustomerRow, after: CustomerRow): Waiting<void> {
  const inner = call.fresh();
  const changes: Record<string, readonly [unknown, unknown]> = {};
  for (const field of FIELDS)
    if (before[field] !== after[field]) changes[field] = [before[field], after[field]];
  tellChange(inner, after.id, after.version, changes, 'edit');
  yield* enqueueUnlessOwn(call, [after.id]);
}

/** DELETE FROM customers WHERE id = … */
export function* deleteCustomer(call: Call, id: string): Waiting<boolean> {
  const slot = call.tables.customers.slots.get(id);
  if (slot === undefined) return false;
  const gone = yield* holdSeen(call, slot, 'update', () => true);
  if (gone === null) return false;
  const kept = {
    catalog: CATALOG,
    record_id: id,
    version: gone.version + 1,
    fields: fieldsOf(gone),
    created_at: gone.created_at,
    deleted_at: Math.round(call.now),
  };
  yield* call.nested((inner) =>
    upsert<TombstoneRow>(
      inner,
      inner.tables.tombstones,
      { index: null, mode: 'no key update' },
      kept,
      (before, excluded) => ({
        ...before,
        version: Math.max(before.version + 1, excluded.version),
        fields: excluded.fields,
        deleted_at: excluded.deleted_at,
      }),
    ),
  );
  remove(call, slot);
  call.atEnd(() => queueDeleted(call, gone));
  return true;
}

function* queueDeleted(call: Call, gone: CustomerRow): Waiting<void> {
  const inner = call.fresh();
  const tombstone = inner.tables.tombstones.read(inner, key(CATALOG, gone.id));
  tellChange(inner, gone.id, tombstone?.version ?? gone.version + 1, {}, 'delete');
  yield* enqueueUnlessOwn(call, [gone.id]);
}

/** SELECT … FOR UPDATE of one customer. */
export function* lockCustomer(call: Call, id: string): Waiting<CustomerRow | null> {
  const slot = call.tables.customers.slots.get(id);
  return slot === undefined ? null : yield* holdSeen(call, slot, 'update', () => true);
}
