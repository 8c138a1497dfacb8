/** A catalog's own table, tombstones and the locks on what is recognised; conflicts; events. */
import { canonicalEmail } from '../../../../src/catalogs/customer/customer';
import type { Fields } from '../../../../src/core/fields';
import { lockName } from '../advisory';
import { insertCustomer, lockCustomer, updateCustomer } from '../capture';
import { enqueue } from '../enqueue';
import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import { key } from '../schema';
import type { ConflictRow, EventRow, SweepRow } from '../schema';
import { tell, tellConflict } from '../told';
import { change, insert, refer, upsert } from '../writing';
import { among, known, knownByText, mayHaveMade } from './known';
import type { Known, Statement } from './known';

const DAY_MS = 86_400_000;

function readSets(text: string): Statement {
  const fields = [...text.matchAll(/(\w+) = \$(\d+)[, ]/g)]
    .filter(([, name]) => name !== 'id')
    .map(([, name, place]) => ({ name: name!, at: Number(place) - 1 }));
  return function* updatePulled(call, values) {
    const changes = Object.fromEntries(fields.map(({ name, at }) => [name, values[at]])) as Fields;
    const row = yield* updateCustomer(call, values[0] as string, changes);
    return result(row === null ? [] : [row]);
  };
}

function recognised(call: Call, [catalog, connection, value]: [string, string, string | null]): Result {
  const wanted = canonicalEmail(value);
  if (wanted === null) return result([]);
  const found = call.tables.customers.filter(call, (row) => canonicalEmail(row.email) === wanted).slice(0, 2);
  const isLinked = (id: string): boolean =>
    call.tables.links.some(
      call,
      (l) =>
        l.record_id === id &&
        l.catalog === catalog &&
        l.connection === connection &&
        (l.state !== 'reserved' || l.remote_id !== null || mayHaveMade(call, l)),
    );
  return result(found.map(({ id }) => ({ id, free: !isLinked(id) })));
}

/** What `canonical_email` makes of it names the lock; null takes none. */
export function* lockEmail(call: Call, catalog: string, value: string | null): Waiting<Result> {
  const canonical = canonicalEmail(value);
  if (canonical !== null) yield* lockName(call, `${catalog}:${String(canonical)}`);
  return result([{}]);
}

function keepLink(call: Call, linkId: number): void {
  const from = { table: 'conflicts', constraint: 'conflicts_link_id_fkey' };
  call.atEnd(() => refer(call, call.tables.links, linkId, from));
}

type Lost = [number, string, string, string, string, string, string, string, string];

function* recordLost(call: Call, values: Lost): Waiting<Result> {
  const [link_id, connection, catalog, record_id, field, ours, theirs, winner, cause] = values;
  const fresh = {
    id: call.memory.uuidv7(),
    link_id,
    connection,
    catalog,
    record_id,
    field,
    ours: JSON.parse(ours) as unknown,
    theirs: JSON.parse(theirs) as unknown,
    winner,
    cause,
    created_at: Math.round(call.now),
    resolved_at: null,
    resolution: null,
  };
  const written = yield* upsert<ConflictRow>(
    call,
    call.tables.conflicts,
    { index: 'conflicts_asked', mode: 'no key update' },
    fresh,
    (before, excluded) => ({
      ...before,
      ours: excluded.ours,
      theirs: excluded.theirs,
      cause: excluded.cause,
    }),
  );
  if (written!.inserted || written!.rewritten) keepLink(call, link_id);
  if (written!.inserted) tellConflict(call, null, written!.row);
  return changed(1);
}

function* closeQuestions(call: Call, [linkId, stillAsked]: [number, readonly string[]]): Waiting<Result> {
  let closed = 0;
  for (const slot of call.tables.conflicts.slots.values()) {
    const isMeant = (row: ConflictRow): boolean =>
      row.link_id === linkId &&
      row.winner === 'ask' &&
      row.resolved_at === null &&
      !stillAsked.includes(row.field);
    const written = yield* change(call, slot, 'no key update', isMeant, (row) => ({
      ...row,
      resolved_at: Math.round(call.now),
    }));
    if (written === null) continue;
    if (written.rewritten) keepLink(call, linkId);
    tellConflict(call, written.before, written.after);
    closed += 1;
  }
  return changed(closed);
}

type Heard = [
  connection: string,
  id: string,
  type: string,
  catalog: string | null,
  remoteId: string | null,
  recordId: string | null,
  createdAt: number,
  source: string,
  result: string,
  hint: string | null,
];

function* storeEvent(call: Call, values: Heard): Waiting<Result> {
  const [connection, id, type, catalog, remote_id, record_id, createdAt, source, outcome, hint] = values;
  const row = yield* insert<EventRow>(
    call,
    call.tables.events,
    {
      connection,
      id,
      type,
      catalog,
      remote_id,
      record_id,
      created_at: createdAt * 1000,
      received_at: call.now,
      source,
      result: outcome,
    },
    'nothing',
  );
  if (row === null) return result([]);
  if (hint !== null) yield* enqueue(call, catalog!, [record_id!], hint);
  if (record_id !== null) {
    const detail = { event: id, type, result: outcome, source, remote_id };
    tell(call, { catalog: catalog!, record_id, kind: 'event', connection, detail });
  }
  return result([{}]);
}

export const RECORDS: readonly Known[] = [
  knownByText('select version, name, email from counterpart.customers where id = $1', (text) =>
    text.includes('for update')
      ? function* locked(call, [id]) {
          const row = yield* lockCustomer(call, id as string);
          return result(row === null ? [] : [row]);
        }
      : (call, [id]) => {
          const row = call.tables.customers.read(call, id as string);
          return result(row === null ? [] : [row]);
        },
  ),
  known('select fields, version from counterpart.tombstones', (call, values: [string, string]) => {
    const row = call.tables.tombstones.read(call, key(...values));
    return result(row === null ? [] : [row]);
  }),
  known("set_config('counterpart.writer', 'sync', true)", (call) => {
    call.tx.writer = 'sync';
    return result([{}]);
  }),
  known(
    /^insert into counterpart\.customers \(id, name, email\)[^]* returning version, name, email$/,
    function* pulled(call, [id, name, email]: [string, string | null, string | null]) {
      return result([yield* insertCustomer(call, { id, name, email })]);
    },
  ),
  knownByText(/^update counterpart\.customers set [^]* returning version, name, email$/, readSets),
  known(
    "hashtextextended($1 || ':' || counterpart.canonical_email($2), 0)",
    (call, [catalog, value]: [string, string | null]) => lockEmail(call, catalog, value),
  ),
  known(
    "and version > $3\n       and kind = 'change'",
    (call, [catalog, id, version, connection, remoteId]: [string, string, number, string, string]) =>
      result(
        call.tables.timeline
          .filter(
            call,
            (row) =>
              row.record_id === id &&
              row.catalog === catalog &&
              row.kind === 'change' &&
              row.version !== null &&
              row.version > version &&
              row.detail['does'] === 'restore' &&
              !call.tables.events.some(
                call,
                (event) =>
                  event.connection === connection &&
                  event.catalog === catalog &&
                  event.remote_id === remoteId &&
                  event.created_at > row.at &&
                  event.received_at > row.at - DAY_MS,
              ),
          )
          .slice(0, 1)
          .map(() => ({})),
      ),
  ),
  known('as free\n', recognised),
  known("s.ending = 'done' and s.ended_at < c.created_at", (call, [connection, id]: [string, string]) => {
    const row = call.tables.customers.read(call, id);
    const hasMet = ({ connection: of, ended_at, ending }: SweepRow): boolean =>
      of === connection && ending === 'done' && ended_at !== null && ended_at < row!.created_at;
    return result(row === null || call.tables.sweeps.some(call, hasMet) ? [] : [{}]);
  }),
  known('insert into counterpart.conflicts', recordLost),
  known('update counterpart.conflicts set resolved_at = now()\n     where link_id = $1', closeQuestions),
  known('insert into counterpart.events (connection', storeEvent),
  known(
    'select id from counterpart.events where connection = $1',
    (call, [connection, ids]: [string, readonly string[]]) => {
      const isAsked = among(ids);
      return result(
        call.tables.events.filter(call, (row) => row.connection === connection && isAsked(row.id)),
      );
    },
  ),
];
