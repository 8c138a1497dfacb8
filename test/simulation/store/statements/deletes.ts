/** The guard over bursts of deletions, as src/store/deleteGuard.ts asks for it. */
import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import { isLive, key } from '../schema';
import type { GuardRow, LinkRow, PassRow } from '../schema';
import { refer, upsert } from '../writing';
import { byText, date, known } from './known';
import type { Known } from './known';
import { changeRow } from './connections';

const LINKED_KEPT_MS = 60_000;

function* holdGuard(
  call: Call,
  [connection, direction, window_ms]: [string, string, number],
): Waiting<Result> {
  const written = yield* upsert<GuardRow>(
    call,
    call.tables.guards,
    // its SET list names a column of the primary key
    { index: null, mode: 'update' },
    { connection, direction, tripped_at: null, allowed_at: -Infinity, linked: 0, linked_at: -Infinity },
    (before) => ({ ...before }),
  );
  if (written!.inserted)
    call.atEnd(() =>
      refer(call, call.tables.connections, connection, {
        table: 'delete_guards',
        constraint: 'delete_guards_connection_fkey',
      }),
    );
  const { tripped_at, linked, linked_at } = written!.row;
  return result([
    {
      tripped: tripped_at !== null,
      tripped_before: tripped_at !== null && tripped_at < call.clock() - window_ms,
      linked,
      linked_is_old: linked_at < call.clock() - LINKED_KEPT_MS,
    },
  ]);
}

const passOf = (call: Call, linkId: number, direction: string): PassRow | null =>
  call.tables.passes.read(call, key(linkId, direction));

function tombstoneOf(call: Call, link: LinkRow) {
  return call.tables.tombstones.read(call, key(link.catalog, link.record_id));
}

/** `HELD`: deletions that are held and still wanted, with their links. */
function held(call: Call, where: (pass: PassRow) => boolean): { pass: PassRow; link: LinkRow }[] {
  return call.tables.passes
    .filter(call, (pass) => pass.verdict === 'held' && where(pass))
    .flatMap((pass) => {
      const link = call.tables.links.read(call, pass.link_id);
      if (link === null || !isLive(link.state)) return [];
      const tombstone = tombstoneOf(call, link);
      const wanted = pass.direction === 'out' ? tombstone?.version === pass.version : tombstone === null;
      return wanted ? [{ pass, link }] : [];
    });
}

const isHeldIn = (call: Call, link: LinkRow): boolean => passOf(call, link.id, 'in')?.verdict === 'held';

function countPassed(call: Call, [connection, direction, window_ms]: [string, string, number]): Result {
  const guard = call.tables.guards.read(call, key(connection, direction));
  const since = Math.max(call.clock() - window_ms, guard?.allowed_at ?? -Infinity);
  const passed = call.tables.passes.count(
    call,
    (row) =>
      row.connection === connection &&
      row.direction === direction &&
      row.verdict === 'counted' &&
      row.passed_at > since,
  );
  return result([{ passed }]);
}

function* countLinked(call: Call, [connection, direction]: [string, string]): Waiting<Result> {
  const linked = call.tables.links.count(call, (row) => row.connection === connection && isLive(row.state));
  const guard = yield* changeRow(
    call,
    call.tables.guards,
    key(connection, direction),
    () => true,
    (row) => ({
      ...row,
      linked_at: call.clock(),
      linked,
    }),
  );
  return result(guard === null ? [] : [{ linked }]);
}

type Said = Omit<PassRow, 'life' | 'passed_at'>;

/** Rows are made one by one, each with the time of its own. */
function* say(call: Call, verdict: Said, unless: (before: PassRow) => boolean): Waiting<number> {
  const said = { ...verdict, passed_at: call.clock() };
  const written = yield* upsert<PassRow>(
    call,
    call.tables.passes,
    { index: null, mode: 'no key update' },
    said,
    (before) =>
      unless(before)
        ? null
        : { ...before, version: said.version, verdict: said.verdict, passed_at: said.passed_at },
  );
  return written === null ? 0 : 1;
}

function* allowKnown(call: Call, [connection]: [string]): Waiting<Result> {
  const passed = { connection, verdict: 'allowed' } as const;
  const links = call.tables.links.filter(call, (row) => row.connection === connection && isLive(row.state));
  const out: Said[] = [];
  const into: Said[] = [];
  for (const link of links) {
    const tombstone = tombstoneOf(call, link);
    if (tombstone !== null)
      out.push({ ...passed, link_id: link.id, direction: 'out', version: tombstone.version });
    else if (link.remote_deleted_at !== null || isHeldIn(call, link))
      into.push({ ...passed, link_id: link.id, direction: 'in', version: 0 });
  }
  let allowed = 0;
  for (const said of [...out, ...into])
    allowed += yield* say(call, said, (before) => before.verdict === 'kept');
  return changed(allowed);
}

function* keep(call: Call, [catalog, recordId]: [string, string]): Waiting<Result> {
  const links = call.tables.links.filter(
    call,
    (row) =>
      row.record_id === recordId &&
      row.catalog === catalog &&
      isLive(row.state) &&
      (row.remote_deleted_at !== null || isHeldIn(call, row)),
  );
  let kept = 0;
  for (const { id, connection } of links) {
    const said = {
      link_id: id,
      direction: 'in',
      connection,
      version: 0,
      verdict: 'kept',
    } as const;
    kept += yield* say(call, said, () => false);
  }
  return changed(kept);
}

function* changeGuard(call: Call, name: string, change: (row: GuardRow) => GuardRow): Waiting<Result> {
  const row = yield* changeRow(call, call.tables.guards, name, () => true, change);
  return changed(row === null ? 0 : 1);
}

function* allowGuards(call: Call, [connection]: [string]): Waiting<Result> {
  let allowed = 0;
  for (const guard of call.tables.guards.filter(call, (row) => row.connection === connection))
    allowed += (yield* changeGuard(call, key(connection, guard.direction), (row) => ({
      ...row,
      tripped_at: null,
      allowed_at: call.clock(),
    }))).rowCount;
  return changed(allowed);
}

function heldIds(call: Call, [connection]: [string]): Result {
  const ids = new Map<string, Set<string>>();
  for (const { link } of held(call, (pass) => pass.connection === connection))
    ids.set(link.catalog, (ids.get(link.catalog) ?? new Set()).add(link.record_id));
  return result([...ids].map(([catalog, of]) => ({ catalog, ids: [...of].toSorted() })));
}

function tripped(call: Call): Result {
  const guards = call.tables.guards.filter(call, (row) => row.tripped_at !== null);
  guards.sort((a, b) => byText(a.connection, b.connection) || byText(b.direction, a.direction));
  return result(
    guards.map(({ connection, direction, tripped_at }) => ({
      connection,
      direction,
      tripped_at: date(tripped_at),
      held: held(call, (pass) => pass.connection === connection && pass.direction === direction).length,
    })),
  );
}

type Verdict = [linkId: number, direction: string, version: number, window_ms: number];
type Note = [
  linkId: number,
  direction: string,
  connection: string,
  version: number,
  verdict: PassRow['verdict'],
];

export const DELETES: readonly Known[] = [
  known('insert into counterpart.delete_guards as g', holdGuard),
  known('select verdict from counterpart.delete_passes', (call, values: Verdict) => {
    const [linkId, direction, version, window_ms] = values;
    const pass = passOf(call, linkId, direction);
    const counts =
      pass !== null &&
      pass.version === version &&
      (pass.verdict !== 'counted' || pass.passed_at > call.clock() - window_ms);
    return result(counts ? [pass] : []);
  }),
  known(
    'and p.connection = $1 and p.direction = $2 limit 1',
    (call, [connection, direction]: [string, string]) =>
      result(
        held(call, (pass) => pass.connection === connection && pass.direction === direction)
          .slice(0, 1)
          .map(() => ({})),
      ),
  ),
  known('select count(*) as passed from counterpart.delete_passes', countPassed),
  known('set linked_at = clock_timestamp()', countLinked),
  known(
    'set tripped_at = case when $3::boolean',
    (call, [connection, direction, trips]: [string, string, boolean]) =>
      changeGuard(call, key(connection, direction), (row) => ({
        ...row,
        tripped_at: trips ? call.clock() : null,
      })),
  ),
  known('values ($1, $2, $3, $4, $5, clock_timestamp())', function* note(call, values: Note) {
    const [link_id, direction, connection, version, verdict] = values;
    const said = { link_id, direction, connection, version, verdict };
    return changed(yield* say(call, said, () => false));
  }),
  known('set tripped_at = null, allowed_at = clock_timestamp()', allowGuards),
  known('array_agg(distinct l.record_id) as ids', heldIds),
  known("select id, direction, $1, version, 'allowed', clock_timestamp()", allowKnown),
  known("select id, 'in', connection, 0, 'kept', clock_timestamp()", keep),
  known('from counterpart.delete_guards g where tripped_at is not null', tripped),
];
