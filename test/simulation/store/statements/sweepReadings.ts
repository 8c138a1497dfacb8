/** What sweeps compare, and what they found. */
import { LINK } from '../forms';
import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import { isLive, key } from '../schema';
import type { FindingRow, LinkRow, SeenRow } from '../schema';
import { insert, refer } from '../writing';
import { among, byText, date, known } from './known';
import type { Known } from './known';

function isQueued(call: Call, catalog: string, recordId: string): boolean {
  return call.tables.queue.read(call, key(catalog, recordId)) !== null;
}

type OfObjects = [connection: string, catalog: string, remoteIds: readonly string[], readAt: string];

function ofObjects(call: Call, [connection, catalog, remoteIds]: OfObjects): LinkRow[] {
  const isAsked = among(remoteIds);
  return call.tables.links.filter(
    call,
    (row) =>
      row.connection === connection &&
      row.catalog === catalog &&
      row.remote_id !== null &&
      isAsked(row.remote_id),
  );
}

function linksOfObjects(call: Call, asked: OfObjects): Result {
  const read_at = Date.parse(asked[3]);
  return result(
    ofObjects(call, asked).map((row) =>
      Object.assign(LINK(row, row.life), {
        tended: isQueued(call, row.catalog, row.record_id) || (row.last_synced_at ?? -Infinity) >= read_at,
      }),
    ),
  );
}

function endedObjects(call: Call, asked: OfObjects): Result {
  const read_at = Date.parse(asked[3]);
  const links = ofObjects(call, asked).filter(
    (row) => row.state === 'retired' && !row.detached && (row.last_synced_at ?? row.created_at) < read_at,
  );
  return result(links.toSorted((a, b) => a.id - b.id));
}

function* noteSeen(call: Call, [sweepId, linkIds]: [string, readonly number[]]): Waiting<Result> {
  let noted = 0;
  for (const link_id of linkIds) {
    const row = yield* insert<SeenRow>(call, call.tables.seen, { sweep_id: sweepId, link_id }, 'nothing');
    if (row === null) continue;
    noted += 1;
    call.atEnd(() =>
      refer(call, call.tables.sweeps, sweepId, {
        table: 'sweep_seen',
        constraint: 'sweep_seen_sweep_id_fkey',
      }),
    );
  }
  return changed(noted);
}

type After = [sweepId: string, connection: string, catalog: string, after: number, limit: number];

function linksAfter(call: Call, [sweepId, connection, catalog, after, limit]: After): Result {
  const sweep = call.tables.sweeps.read(call, sweepId);
  if (sweep === null) return result([]);
  const links = call.tables.links.filter(
    call,
    (row) => row.id > after && row.connection === connection && row.catalog === catalog && isLive(row.state),
  );
  const { seen, customers, tombstones, findings: found } = call.tables;
  return result(
    links
      .toSorted((a, b) => a.id - b.id)
      .slice(0, limit)
      .map((row) =>
        Object.assign(LINK(row, row.life), {
          seen: seen.read(call, key(sweepId, row.id)) !== null,
          stands: customers.read(call, row.record_id) !== null,
          tombstone: tombstones.read(call, key(row.catalog, row.record_id)) !== null,
          tended:
            isQueued(call, row.catalog, row.record_id) ||
            (row.last_synced_at ?? row.created_at) >= sweep.requested_at,
          found: found.some(
            call,
            (f) => f.sweep_id === sweepId && f.record_id === row.record_id && f.catalog === row.catalog,
          ),
        }),
      ),
  );
}

type Records = [connection: string, catalog: string, after: string | null, limit: number];

function recordsAfter(call: Call, [connection, catalog, after, limit]: Records): Result {
  const records = call.tables.customers
    .filter(call, (row) => after === null || row.id > after)
    .toSorted((a, b) => byText(a.id, b.id))
    .slice(0, limit);
  return result(
    records.map(({ id, name, email }) => {
      const link = call.tables.links.first(
        call,
        (row) =>
          row.record_id === id &&
          row.connection === connection &&
          row.catalog === catalog &&
          isLive(row.state),
      );
      return {
        record_id: id,
        link_id: link?.id ?? null,
        base: link?.base ?? null,
        outcome: link?.outcome ?? null,
        tended: isQueued(call, catalog, id),
        field_0: name,
        field_1: email,
      };
    }),
  );
}

type NewFinding = Pick<FindingRow, 'record_id' | 'link_id' | 'remote_id' | 'side' | 'kind' | 'fields'>;

function* noteFindings(call: Call, [sweep_id, catalog, list]: [string, string, string]): Waiting<Result> {
  let noted = 0;
  for (const found of JSON.parse(list) as readonly NewFinding[]) {
    const row = yield* insert<FindingRow>(
      call,
      call.tables.findings,
      { ...found, id: call.memory.finding_id.next(), sweep_id, catalog, found_at: Math.round(call.now) },
      'nothing',
    );
    if (row === null) continue;
    noted += 1;
    call.atEnd(() =>
      refer(call, call.tables.sweeps, sweep_id, {
        table: 'sweep_findings',
        constraint: 'sweep_findings_sweep_id_fkey',
      }),
    );
  }
  return changed(noted);
}

/** A look of one of these is queued, or its hint owed. */
function isDue(call: Call, catalog: string, ids: readonly string[]): boolean {
  const [, newest = ''] = ids;
  if (isQueued(call, catalog, newest)) return true;
  return call.tables.owed.some(call, (row) => row.catalog === catalog && ids.includes(row.record_id));
}

/** `STATES` of src/store/sweepFindings.ts. */
function findings(call: Call, sweepId: string) {
  const sweep = call.tables.sweeps.read(call, sweepId);
  if (sweep === null) return [];
  return call.tables.findings
    .filter(call, (row) => row.sweep_id === sweepId)
    .map((finding) => {
      const link = linkOf(call, sweep.connection, finding);
      const record_id = link?.record_id ?? finding.record_id;
      const state = isDue(call, finding.catalog, [finding.record_id, record_id])
        ? 'waiting'
        : link?.outcome === 'parked'
          ? 'parked'
          : 'healed';
      return { ...finding, record_id, state };
    });
}

function linkOf(call: Call, connection: string, finding: FindingRow): LinkRow | null {
  if (finding.link_id !== null) return call.tables.links.read(call, finding.link_id);
  const links = call.tables.links.filter(
    call,
    (row) =>
      row.record_id === finding.record_id && row.connection === connection && row.catalog === finding.catalog,
  );
  return links.toSorted((a, b) => b.generation - a.generation)[0] ?? null;
}

function countFindings(call: Call, [sweepId]: [string]): Result {
  const counts = new Map<string, { side: string; kind: string; state: string; records: number }>();
  for (const { side, kind, state } of findings(call, sweepId)) {
    const group = key(side, kind, state);
    const count = counts.get(group) ?? { side, kind, state, records: 0 };
    count.records += 1;
    counts.set(group, count);
  }
  return result([...counts].toSorted(([a], [b]) => byText(a, b)).map(([, count]) => count));
}

function listFindings(call: Call, [sweepId, limit]: [string, number]): Result {
  const healed = (state: string): number => (state === 'healed' ? 1 : 0);
  const list = findings(call, sweepId).toSorted((a, b) => healed(a.state) - healed(b.state) || a.id - b.id);
  return result(list.slice(0, limit).map((row) => ({ ...row, found_at: date(row.found_at) })));
}

export const SWEEP_READINGS: readonly Known[] = [
  known('select clock_timestamp()::text as now', (call) =>
    result([{ now: new Date(call.clock()).toISOString() }]),
  ),
  known('l.last_synced_at >= $4::timestamptz', linksOfObjects),
  known('coalesce(l.last_synced_at, l.created_at) < $4::timestamptz', endedObjects),
  known('insert into counterpart.sweep_seen', noteSeen),
  known('from counterpart.sweeps sweep cross join counterpart.links l', linksAfter),
  known('select c.id as record_id, l.id as link_id', recordsAfter),
  known('insert into counterpart.sweep_findings', noteFindings),
  known('select f.side, f.kind, s.state, count(*) as records', countFindings),
  known('coalesce(l.record_id, f.record_id) as record_id, f.remote_id', listFindings),
];
