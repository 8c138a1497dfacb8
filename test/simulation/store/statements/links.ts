import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import { isLive } from '../schema';
import type { ConflictRow, IntentRow, LinkRow } from '../schema';
import { tellLinkChanged, tellLinkGone, tellLinkMade, tell } from '../told';
import { CODES, DatabaseFailure } from '../failure';
import { change, holdSeen, insert, remove } from '../writing';
import type { LockMode, Slot } from '../table';
import { among, byText, known } from './known';
import type { Known } from './known';

/** `COLUMNS` of src/store/links.ts. */
export function linkColumns(call: Call, link: LinkRow) {
  const connection = call.tables.connections.read(call, link.connection);
  return {
    ...link,
    read_at_s: Math.floor(call.now / 1000),
    remote_deleted: link.remote_deleted_at !== null,
    paused: connection !== null && (connection.paused_at !== null || connection.recovering_since !== null),
    down: connection !== null && connection.down_since !== null,
  };
}

type NewLink = Pick<LinkRow, 'connection' | 'catalog' | 'record_id' | 'generation' | 'state' | 'born'> &
  Partial<LinkRow>;

export function* insertLink(
  call: Call,
  link: NewLink,
  onConflict: 'error' | 'nothing' = 'nothing',
): Waiting<LinkRow | null> {
  const row = yield* insert<LinkRow>(
    call,
    call.tables.links,
    {
      remote_id: null,
      base: {},
      agreed_version: null,
      look_id: 0,
      fence: 0,
      run_id: null,
      remote_deleted_at: null,
      detached: false,
      possible_duplicate: false,
      swings: {},
      outcome: 'pending',
      reason: null,
      reason_since: null,
      decision: null,
      last_synced_at: null,
      waits: 0,
      ...link,
      id: call.memory.link_id.next(),
      created_at: call.now,
    },
    onConflict,
  );
  if (row !== null) tellLinkMade(call, row);
  return row;
}

/** The record id is part of a key that a foreign key could name: only who changes its value shuts those out who refer to the link. */
const lockFor = (before: LinkRow, after: LinkRow): LockMode =>
  before.record_id === after.record_id ? 'no key update' : 'update';

function* write(
  call: Call,
  slot: Slot<LinkRow>,
  where: (link: LinkRow) => boolean,
  by: (link: LinkRow) => LinkRow,
): Waiting<LinkRow | null> {
  const checked = (link: LinkRow): LinkRow => {
    const after = by(link);
    if ((after.state === 'linked' || after.state === 'deleting') && after.remote_id === null)
      throw new DatabaseFailure(CODES.check, 'new row of "links" violates a check', {
        table: 'links',
        constraint: 'links_check',
      });
    return after;
  };
  const written = yield* change(call, slot, lockFor, where, checked);
  if (written === null) return null;
  tellLinkChanged(call, written.before, written.after);
  return written.after;
}

/** UPDATE of the links that meet the condition. @returns them as they stand then */
export function* updateLinks(
  call: Call,
  where: (link: LinkRow) => boolean,
  by: (link: LinkRow) => LinkRow,
): Waiting<LinkRow[]> {
  const written: LinkRow[] = [];
  for (const slot of [...call.tables.links.slots.values()]) {
    const link = yield* write(call, slot, where, by);
    if (link !== null) written.push(link);
  }
  return written;
}

/** As `updateLinks`, of the link with this id. */
export function* updateLink(
  call: Call,
  id: number,
  where: (link: LinkRow) => boolean,
  by: (link: LinkRow) => LinkRow,
): Waiting<LinkRow | null> {
  const slot = call.tables.links.slots.get(id);
  return slot === undefined ? null : yield* write(call, slot, where, by);
}

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

function* releaseReservation(call: Call, values: [string, string, string]): Waiting<Result> {
  const [connection, catalog, remoteId] = values;
  let released = 0;
  for (const slot of [...call.tables.links.slots.values()]) {
    const link = yield* holdSeen(
      call,
      slot,
      'update',
      (row) =>
        row.remote_id === remoteId &&
        row.connection === connection &&
        row.catalog === catalog &&
        row.state === 'reserved' &&
        row.born === 'remote',
    );
    if (link === null) continue;
    remove(call, slot);
    released += 1;
    call.atEnd(() => cascade(call, link.id));
    tellLinkGone(call, link);
  }
  return changed(released);
}

/** ON DELETE CASCADE. */
function* cascade(call: Call, linkId: number): Waiting<void> {
  for (const table of [call.tables.intents, call.tables.conflicts]) {
    for (const slot of [...table.slots.values()] as Slot<IntentRow | ConflictRow>[]) {
      if ((yield* holdSeen(call, slot, 'update', (row) => row.link_id === linkId)) !== null)
        remove(call, slot);
    }
  }
}

function ofRemote(call: Call, [connection, catalog, remoteId]: [string, string, string]): Result {
  const link = call.tables.links.first(
    call,
    (row) => row.remote_id === remoteId && row.connection === connection && row.catalog === catalog,
  );
  return result(link === null ? [] : [linkColumns(call, link)]);
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
  known('set remote_deleted_at = coalesce(remote_deleted_at, now()),', (call, [id]: [number]) =>
    one(
      updateLink(call, id, ANY, (row) => ({
        ...row,
        remote_deleted_at: row.remote_deleted_at ?? call.now,
        detached: row.detached && row.state === 'linked',
        run_id: null,
      })),
    ),
  ),
  known('set record_id = $2 where id = $1', (call, [id, record_id]: [number, string]) =>
    one(updateLink(call, id, ANY, (row) => ({ ...row, record_id }))),
  ),
  known('set record_id = counterpart.uuidv7() where id = $1', function* move(call, [id]: [number]) {
    const record_id = call.memory.uuidv7();
    const link = yield* updateLink(call, id, ANY, (row) => ({ ...row, record_id }));
    return result(link === null ? [] : [link]);
  }),
  known('delete from counterpart.links where connection = $1', releaseReservation),
];
