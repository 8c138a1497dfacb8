/** Rules that hold what stands against what clients did: I3, I4, I6, I17. */
import { canonical, describe, FIELD_NAMES } from './history';
import type { FieldName, Operation } from './history';
import { liveLinks, story, violation } from './rule';
import type { Rule } from './rule';
import { shortened } from './seen';
import type { LocalRow, Seen } from './seen';
import type { Violation } from './violation';
import { histories, written } from './writers';
import type { RecordHistory } from './writers';

function isLost(seen: Seen, recordId: string, field: FieldName, value: string | null): boolean {
  return seen.lost.some(
    (row) =>
      row.record_id === recordId &&
      row.field === field &&
      [row.ours, row.theirs].some((kept) => canonical(field, kept) === value),
  );
}

/** Both sides of a record that is parked keep their value; elsewhere they are equal, as I1 says. */
function finals(
  seen: Seen,
  recordId: string,
  local: LocalRow | undefined,
  field: FieldName,
): Array<string | null> {
  const link = liveLinks(seen).find((one) => one.record_id === recordId);
  const remote = seen.remotes.find(({ id }) => id === link?.remote_id);
  const values = local === undefined ? [] : [canonical(field, local[field])];
  return remote === undefined ? values : [...values, canonical(field, remote[field])];
}

/** The record went with this value, which by then stood and was agreed on both sides: writing it once more changed nothing. */
function wentWithIt(seen: Seen, recordId: string, field: FieldName, value: string | null): boolean {
  const tombstone = seen.tombstones.find(({ id }) => id === recordId);
  const base = seen.links.findLast(({ record_id: id }) => id === recordId)?.base[field];
  if (tombstone === undefined || base === undefined) return false;
  return [tombstone[field], base.ours, base.theirs].every((one) => canonical(field, one) === value);
}

/**
 * Whether an acknowledged write is accounted for. It stands in the end; or somebody wrote what stands at the same time or later;
 * or it is a recorded loser, or was overwritten on its own side, at the same time or later, by one that is; or the record was
 * deleted at the same time or later. A look reads what stands, so of several writes on one side only the last can be recorded.
 */
function isAccounted(
  seen: Seen,
  { recordId, writes, deletes }: RecordHistory,
  field: FieldName,
  write: Operation,
  final: ReadonlyArray<string | null>,
): boolean {
  const value = written(write, field);
  // a creation that leaves a field empty claims nothing: an empty side takes the filled one
  if (value === undefined || (value === null && write.kind === 'create')) return true;
  if (final.includes(value)) return true;
  if (deletes.some((one) => one.end >= write.begin)) return true;
  if (wentWithIt(seen, recordId, field, value)) return true;
  return writes.some((one) => {
    const theirs = written(one, field);
    if (theirs === undefined || one.end < write.begin) return false;
    return final.includes(theirs) || (one.side === write.side && isLost(seen, recordId, field, theirs));
  });
}

/** I3: no acknowledged write is lost. */
export const nothingLost: Rule = (seen) => {
  const found: Violation[] = [];
  const locals = new Map(seen.customers.map((local) => [local.id, local]));
  for (const history of histories(seen).values()) {
    const local = locals.get(history.recordId);
    for (const field of FIELD_NAMES) {
      const final = finals(seen, history.recordId, local, field);
      const lost = history.writes.filter(
        (write) => write.result === 'ok' && !isAccounted(seen, history, field, write, final),
      );
      if (lost.length === 0) continue;
      const stands = local === undefined ? 'the record is gone' : `${final.map(String).join(' / ')} stands`;
      const numbers = lost.map(({ number }) => `#${number}`).join(', ');
      found.push(
        violation('I3', `${field} of ${history.recordId}: ${numbers} lost; ${stands}\n${story(history)}`),
      );
    }
  }
  return found;
};

/** I4: what stands was written by somebody, and what is gone was deleted by somebody. */
export const nothingInvented: Rule = (seen) => {
  const found: Violation[] = [];
  const all = histories(seen);
  const everWritten = new Set(
    seen.history
      .filter(({ result }) => result !== 'failed')
      .flatMap((one) => FIELD_NAMES.map((field) => `${field} ${String(written(one, field))}`)),
  );
  for (const local of [...seen.customers, ...seen.tombstones]) {
    for (const field of FIELD_NAMES) {
      const value = canonical(field, local[field]);
      if (value !== null && !everWritten.has(`${field} ${value}`)) {
        found.push(violation('I4', `${field} of ${local.id}: nobody wrote ${value}`));
      }
    }
  }
  for (const { id } of seen.tombstones) {
    const history = all.get(id);
    if (history !== undefined && history.deletes.length === 0) {
      found.push(violation('I4', `record ${id} is gone and nobody deleted it\n${story(history)}`));
    }
  }
  return found;
};

function restoredInFact(history: RecordHistory): Operation[] {
  const at = history.timeline
    .filter(({ kind, detail }) => kind === 'change' && detail['does'] === 'restore')
    .map((row) => row.at.getTime());
  return history.restores.filter(({ begin, end }) => at.some((time) => time >= begin - 1 && time <= end + 1));
}

/**
 * Deleted at Stripe after a restore here and before the look that took it up, which nobody told of in time: documented
 * (docs/RECONCILE.md, “Restored.”) and in the timeline.
 */
function renewedSince(history: RecordHistory, deletion: Operation): boolean {
  return (
    deletion.side === 'there' &&
    history.restores.some(({ begin }) => begin <= deletion.end) &&
    history.timeline.some(
      ({ kind, detail, at }) =>
        kind === 'decision' &&
        JSON.stringify(detail).includes('restored/deleted renew') &&
        at.getTime() >= deletion.begin,
    )
  );
}

/** I6: what was deleted stands only because somebody restored it then or later; and a restore is undone by a deletion only. */
export const noResurrection: Rule = (seen) => {
  const found: Violation[] = [];
  const all = histories(seen);
  for (const { id } of seen.customers) {
    const history = all.get(id);
    for (const deletion of history?.deletes ?? []) {
      if (deletion.result !== 'ok' || history === undefined) continue;
      if (history.restores.some(({ end }) => end >= deletion.begin)) continue;
      if (renewedSince(history, deletion)) continue;
      found.push(violation('I6', `record ${id} stands in spite of ${describe(deletion)}\n${story(history)}`));
    }
  }
  for (const { id } of seen.tombstones) {
    const history = all.get(id);
    for (const restore of history === undefined ? [] : restoredInFact(history)) {
      if (restore.result !== 'ok' || history === undefined) continue;
      if (history.deletes.some(({ end }) => end >= restore.begin)) continue;
      found.push(violation('I3', `record ${id} is gone in spite of ${describe(restore)}\n${story(history)}`));
    }
  }
  return found;
};

/** I17: a name that one request alone was to write at birth or by one edit was written once at most on that request's side. */
export const atMostOnce: Rule = (seen) => {
  const found: Violation[] = [];
  const times = new Map<string, number>();
  const cut = shortened(seen);
  const count = (side: string, name: unknown): void => {
    if (typeof name === 'string') times.set(`${side} ${name}`, (times.get(`${side} ${name}`) ?? 0) + 1);
  };
  for (const { kind, connection, changes, detail } of seen.timeline) {
    const byClient = kind === 'change' && connection === null && detail['does'] !== 'restore';
    if (byClient) count('here', changes['name']?.[1]);
  }
  for (const event of seen.events) {
    const { data, type, request } = event;
    if (request?.idempotency_key?.startsWith('cp_') === true || type === 'customer.deleted') continue;
    if (type === 'customer.created' || 'name' in (data.previous_attributes ?? {}))
      count('there', data.object.name);
  }
  for (const operation of seen.history) {
    const { name } = operation.values;
    // a shared value is written by many
    if (typeof name !== 'string' || name.includes('shared')) continue;
    const stored = operation.via === 'sql' || operation.side === 'there' ? name : name.trim();
    const most = operation.result === 'failed' ? 0 : 1;
    const happened = times.get(`${operation.side} ${stored}`) ?? 0;
    if (happened > most) found.push(violation('I17', `happened ${happened} times: ${describe(operation)}`));
    if (
      operation.result === 'ok' &&
      happened === 0 &&
      operation.kind === 'create' &&
      operation.side === 'here' &&
      !cut.has(operation.recordId ?? '')
    ) {
      found.push(violation('I3', `acknowledged and nowhere: ${describe(operation)}`));
    }
  }
  return found;
};
