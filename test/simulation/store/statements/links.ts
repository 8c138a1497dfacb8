import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import { isLive } from '../schema';
import type { ConflictRow, IntentRow, LinkRow } from '../schema';
import { tell, tellLinkGone } from '../told';
import { insertLink, linkColumns, updateLink, updateLinks } from '../linkWrites';
import { holdSeen, remove } from '../writing';
import type { Table } from '../table';
import { among, byText, known, mayHaveMade } from './known';
import type { Known } from './known';

const ANY = (): boolean => true;

function* one(work: Waiting<LinkRow | null>): Waiting<Result> {
  return changed((yield* work) === null ? 0 : 1);
}

function* beginLook(call: Call, values: BeginLook): Waiting<Result> {
  const [ids, catalog, recordId, runId, hint, paused] = values;
  const { memory } = call;
  const isMeant = among(ids);
  const links = yield* updateLinks(
    call,
    ({ id }) => isMeant(id),
    (link) => ({ ...link, look_id: memory.freshNumber(), fence: memory.freshNumber(), run_id: runId }),
  );
  const detail = { hint, paused };
  tell(call, { catalog, record_id: recordId, kind: 'look', run_id: runId, detail });
  if (links.length > 0) call.tx.unflushed = true;
  return result(links);
}
type BeginLook = [readonly number[], string, string, string | null, string, readonly string[]];

function newestOfRecord(call: Call, [catalog, recordId]: [string, string]): Result {
  const newest = new Map<string, LinkRow>();
  for (const link of call.tables.links.rows(call)) {
    if (link.record_id !== recordId || link.catalog !== catalog) continue;
    const other = newest.get(link.connection);
    if (other === undefined || other.generation < link.generation) newest.set(link.connection, link);
  }
  const links = [...newest.values()].toSorted((a, b) => byText(a.connection, b.connection));
  return result(links.map((link) => linkColumns(call, link)));
}

function* lockFenced(call: Call, [id, fence]: [number, number]): Waiting<Result> {
  const slot = call.tables.links.slots.get(id);
  const link = slot && (yield* holdSeen(call, slot, 'update', (row) => row.fence === fence));
  if (!link) return result([]);
  call.tx.link = String(link.id);
  return result([linkColumns(call, link)]);
}

function* reserveForRemote(
  call: Call,
  [connection, catalog, remoteId, state, deleted, outcome]: [
    string,
    string,
    string,
    LinkRow['state'],
    boolean,
    LinkRow['outcome'],
  ],
): Waiting<Result> {
  const link = yield* insertLink(call, {
    connection,
    catalog,
    record_id: call.memory.uuidv7(),
    generation: 1,
    remote_id: remoteId,
    state,
    born: 'remote',
    remote_deleted_at: deleted ? call.now : null,
    outcome,
  });
  return changed(link === null ? 0 : 1);
}

function releaseReservation(call: Call, values: [string, string, string]): Waiting<Result> {
  const [connection, catalog, remoteId] = values;
  return deleteLinks(
    call,
    (row) =>
      row.remote_id === remoteId &&
      row.connection === connection &&
      row.catalog === catalog &&
      row.state === 'reserved' &&
      row.born === 'remote',
  );
}

function isOfRecord([connection, catalog, recordId]: [string, string, string]) {
  return (row: LinkRow): boolean =>
    row.record_id === recordId && row.connection === connection && row.catalog === catalog;
}

function* holdOfRecord(call: Call, values: [string, string, string]): Waiting<Result> {
  const held: object[] = [];
  for (const slot of call.tables.links.slots.values())
    if ((yield* holdSeen(call, slot, 'update', isOfRecord(values))) !== null) held.push({});
  return result(held);
}

function makeWay(call: Call, values: [string, string, string]): Waiting<Result> {
  const isOfIt = isOfRecord(values);
  return deleteLinks(
    call,
    (row) =>
      isOfIt(row) &&
      row.state === 'reserved' &&
      row.remote_id === null &&
      row.generation === 1 &&
      !mayHaveMade(call, row),
  );
}

function* deleteLinks(call: Call, isMeant: (row: LinkRow) => boolean): Waiting<Result> {
  let released = 0;
  for (const slot of call.tables.links.slots.values()) {
    const link = yield* holdSeen(call, slot, 'update', isMeant);
    if (link === null) continue;
    remove(call, slot);
    released += 1;
    call.atEnd(() => cascade(call, call.tables.intents, link.id));
    call.atEnd(() => cascade(call, call.tables.conflicts, link.id));
    tellLinkGone(call, link);
  }
  return changed(released);
}

/** ON DELETE CASCADE. */
function* cascade<Row extends IntentRow | ConflictRow>(
  call: Call,
  table: Table<Row>,
  linkId: number,
): Waiting<void> {
  for (const slot of table.slots.values())
    if ((yield* holdSeen(call, slot, 'update', (row) => row.link_id === linkId)) !== null) remove(call, slot);
}

function ofRemote(call: Call, [connection, catalog, remoteId]: [string, string, string]): Result {
  const link = call.tables.links.first(
    call,
    (row) => row.remote_id === remoteId && row.connection === connection && row.catalog === catalog,
  );
  return result(link === null ? [] : [linkColumns(call, link)]);
}

function deletedAfterRestore(call: Call, [id, toldAt_s]: [number, number]): Waiting<LinkRow | null> {
  const { intents, timeline } = call.tables;
  const isBefore = (row: LinkRow): boolean => {
    const restores = timeline.filter(
      call,
      ({ kind, catalog, record_id, detail }) =>
        kind === 'change' &&
        catalog === row.catalog &&
        record_id === row.record_id &&
        detail['does'] === 'restore',
    );
    return restores.length > 0 && Math.max(...restores.map(({ at }) => at)) < toldAt_s * 1000;
  };
  const isUnsent = (row: LinkRow): boolean =>
    intents.first(
      call,
      (intent) => intent.link_id === row.id && intent.kind === 'delete' && intent.ended_at === null,
    ) === null;
  return updateLink(
    call,
    id,
    (row) => row.state === 'deleting' && isUnsent(row) && isBefore(row),
    (row) => ({ ...row, state: 'linked' }),
  );
}

export const LINKS: readonly Known[] = [
  known('select distinct on (connection) id, connection, catalog', newestOfRecord),
  known("values ($2, $3, 'look', $4", beginLook),
  known(
    'set fence = counterpart.fresh_number()\n',
    function* takeFence(call, [id, lookId]: [number, number]) {
      const fence = call.memory.freshNumber();
      const isHis = (row: LinkRow): boolean => row.look_id === lookId;
      const link = yield* updateLink(call, id, isHis, (row) => ({ ...row, fence }));
      if (link === null) return result([]);
      call.tx.unflushed = true;
      return result([linkColumns(call, link)]);
    },
  ),
  known("set_config('counterpart.link', id::text, true)", lockFenced),
  known(
    "values ($1, $2, $3, $4, 'reserved', 'local') on conflict do nothing",
    function* reserve(call, [connection, catalog, record_id, generation]: [string, string, string, number]) {
      const fresh = { connection, catalog, record_id, generation, state: 'reserved', born: 'local' } as const;
      return changed((yield* insertLink(call, fresh)) === null ? 0 : 1);
    },
  ),
  known(
    "where connection = $1 and catalog = $2 and record_id = $3\n       and state in ('reserved', 'linked', 'deleting')",
    (call, [connection, catalog, recordId]: [string, string, string]) => {
      const links = call.tables.links.filter(
        call,
        (row) =>
          row.record_id === recordId &&
          row.connection === connection &&
          row.catalog === catalog &&
          isLive(row.state),
      );
      return result(links.map((link) => linkColumns(call, link)));
    },
  ),
  known("set state = 'linked' where id = $1 and detached", (call, [id]: [number]) =>
    one(
      updateLink(
        call,
        id,
        (row) => row.detached,
        (row) => ({ ...row, state: 'linked' }),
      ),
    ),
  ),
  known("set state = 'linked' where id = $1 and state = 'deleting'", (call, values: [number, number]) =>
    one(deletedAfterRestore(call, values)),
  ),
  known("values ($1, $2, counterpart.uuidv7(), 1, $3, $4, 'remote'", reserveForRemote),
  known(
    /^select id, connection, catalog[^]* where connection = \$1 and catalog = \$2 and remote_id = \$3$/,
    ofRemote,
  ),
  known(
    'and id <> $4 and remote_id is not null',
    (call, [connection, catalog, recordId, id]: [string, string, string, number]) =>
      result(
        call.tables.links.filter(
          call,
          (row) =>
            row.record_id === recordId &&
            row.connection === connection &&
            row.catalog === catalog &&
            row.id !== id &&
            row.remote_id !== null,
        ),
      ),
  ),
  known(
    'set detached = true, remote_deleted_at = null, run_id = null',
    (call, [id, reason]: [number, string]) =>
      one(
        updateLink(
          call,
          id,
          (row) => row.state === 'retired' && !row.detached,
          (row) => ({
            ...row,
            detached: true,
            remote_deleted_at: null,
            run_id: null,
            outcome: 'parked',
            reason: JSON.parse(reason) as LinkRow['reason'],
            reason_since: call.now,
          }),
        ),
      ),
  ),
  known('set remote_deleted_at = coalesce(remote_deleted_at, now()),', (call, [id]: [number]) =>
    one(
      updateLink(call, id, ANY, (row) => ({
        ...row,
        remote_deleted_at: row.remote_deleted_at ?? call.now,
        detached: row.detached && row.state === 'linked',
        run_id: null,
        ...(row.state === 'retired' ? { outcome: 'deleted', reason: null, reason_since: null } : {}),
      })),
    ),
  ),
  known(
    'set record_id = $2, look_id = counterpart.fresh_number()',
    (call, [id, record_id]: [number, string]) => {
      const { memory } = call;
      return one(
        updateLink(call, id, ANY, (row) => ({
          ...row,
          record_id,
          look_id: memory.freshNumber(),
          fence: memory.freshNumber(),
          run_id: null,
        })),
      );
    },
  ),
  known('set record_id = counterpart.uuidv7() where id = $1', function* move(call, [id]: [number]) {
    const record_id = call.memory.uuidv7();
    const link = yield* updateLink(call, id, ANY, (row) => ({ ...row, record_id }));
    return result(link === null ? [] : [link]);
  }),
  known('delete from counterpart.links where connection = $1', releaseReservation),
  known('delete from counterpart.links l where connection = $1', makeWay),
  known(
    'select from counterpart.links where connection = $1 and catalog = $2 and record_id = $3 for update',
    holdOfRecord,
  ),
];
