import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import { isLive, key } from '../schema';
import type { LinkRow } from '../schema';
import { among, known } from './known';
import type { Known } from './known';
import { LINK } from '../forms';
import { insertLink, updateLink, updateLinks } from '../linkWrites';

type Place = [connection: string, catalog: string, recordId: string];

function linksAt(call: Call, [connection, catalog, recordId]: Place): LinkRow[] {
  return call.tables.links.filter(
    call,
    (row) => row.record_id === recordId && row.connection === connection && row.catalog === catalog,
  );
}

function* reserveAll(
  call: Call,
  [connection, catalog, remoteIds]: [string, string, readonly string[]],
): Waiting<Result> {
  const made: LinkRow[] = [];
  for (const remote_id of remoteIds) {
    const link = yield* insertLink(call, {
      connection,
      catalog,
      record_id: call.memory.uuidv7(),
      generation: 1,
      remote_id,
      state: 'reserved',
      born: 'remote',
    });
    if (link !== null) made.push(link);
  }
  return result(made);
}

function isRefused(call: Call, place: Place): Result {
  const [, catalog, recordId] = place;
  const refused =
    call.tables.tombstones.read(call, key(catalog, recordId)) !== null ||
    linksAt(call, place).some(
      (row) => isLive(row.state) && (row.state !== 'reserved' || row.remote_id !== null),
    );
  return result([{ refused }]);
}

function* reserveNext(call: Call, place: Place): Waiting<Result> {
  const [connection, catalog, record_id] = place;
  const generation = linksAt(call, place).reduce((newest, row) => Math.max(newest, row.generation), 0) + 1;
  const stands = call.tables.customers.read(call, record_id) !== null;
  const link = yield* insertLink(call, {
    connection,
    catalog,
    record_id,
    generation,
    state: 'reserved',
    born: stands ? 'local' : 'remote',
  });
  return changed(link === null ? 0 : 1);
}

function* tie(call: Call, [connection, catalog, recordId, remote_id]: [...Place, string]): Waiting<Result> {
  return result(
    yield* updateLinks(
      call,
      (row) =>
        row.record_id === recordId &&
        row.connection === connection &&
        row.catalog === catalog &&
        row.state === 'reserved' &&
        row.remote_id === null,
      (row) => ({ ...row, remote_id, outcome: 'pending', reason: null }),
    ),
  );
}

function* takeAway(call: Call, [id]: [number]): Waiting<Result> {
  const { memory } = call;
  const look_id = memory.freshNumber();
  const fence = memory.freshNumber();
  const change = (row: LinkRow): LinkRow => ({ ...row, look_id, fence, run_id: null });
  return changed((yield* updateLink(call, id, () => true, change)) === null ? 0 : 1);
}

function* retire(call: Call, [id]: [number]): Waiting<Result> {
  const link = yield* updateLink(
    call,
    id,
    (row) =>
      row.state === 'linked' && call.tables.tombstones.read(call, key(row.catalog, row.record_id)) === null,
    (row) => ({
      ...row,
      state: 'retired',
      remote_deleted_at: row.remote_deleted_at ?? call.now,
      outcome: 'deleted',
      reason: null,
      reason_since: null,
    }),
  );
  return changed(link === null ? 0 : 1);
}

function* succeed(call: Call, [id, remote_id]: [number, string]): Waiting<Result> {
  const before = call.tables.links.read(call, id);
  if (before === null) return result([]);
  const { connection, catalog, record_id, generation, base } = before;
  const link = yield* insertLink(
    call,
    {
      connection,
      catalog,
      record_id,
      generation: generation + 1,
      remote_id,
      base,
      state: 'linked',
      born: 'local',
      look_id: call.memory.freshNumber(),
      fence: call.memory.freshNumber(),
    },
    'error',
  );
  return result([link]);
}

function linkedObjects(call: Call, [connection, catalog, ids]: [string, string, readonly string[]]): Result {
  const isAsked = among(ids);
  const links = call.tables.links.filter(
    call,
    (row) =>
      row.connection === connection &&
      row.catalog === catalog &&
      row.state === 'linked' &&
      isAsked(row.record_id),
  );
  return result(
    links.map((row) =>
      Object.assign(LINK(row, row.life), { remote_deleted: row.remote_deleted_at !== null }),
    ),
  );
}

export const ADOPTION: readonly Known[] = [
  known("remote_id, 'reserved', 'remote' from unnest($3::text[])", reserveAll),
  known('remote_deleted_at is not null as remote_deleted from counterpart.links', linkedObjects),
  known(
    "where connection = $1 and catalog = $2 and record_id = $3\n         and (state in ('linked', 'deleting')",
    isRefused,
  ),
  known("select $1, $2, $3, coalesce(max(generation), 0) + 1, 'reserved'", reserveNext),
  known("set remote_id = $4, outcome = 'pending', reason = null", tie),
  known(
    'set look_id = counterpart.fresh_number(), fence = counterpart.fresh_number(), run_id = null',
    takeAway,
  ),
  known("set state = 'retired', remote_deleted_at = coalesce(remote_deleted_at, now())", retire),
  known("select connection, catalog, record_id, generation + 1, $2, 'linked', 'local', base", succeed),
];
