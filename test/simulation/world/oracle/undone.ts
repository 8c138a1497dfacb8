/**
 * The other half of I3 and I6: what no record of a lost value excuses. A value that the sync keeps as lost must have lost to
 * somebody, and what it does by itself must not undo what people did.
 */
import type { FieldValue } from '../../../../src/core/fields';
import type { Effect } from '../ledger';
import type { Where } from '../plan';
import type { Check, Entry, Evidence, RecordSeen } from './evidence';
import { alike, FIELDS, isBlank, quoted, standsFor } from './sameness';

/** How often people gave a field of the record's objects this value. */
function timesPut(
  evidence: Evidence,
  record: RecordSeen,
  connection: Where,
  field: string,
  value: unknown,
): number {
  const isIt = (fields: Effect['after']): boolean =>
    fields !== null && alike(field, fields[field] ?? null, value as string | null);
  return evidence
    .objectsOf(record, connection)
    .flatMap((id) => evidence.effectsOf(connection, id))
    .filter(({ by, before, after }) => by === 'people' && isIt(after) && !isIt(before)).length;
}

/** A pair of the field was agreed through the link before the entry. */
function pairBefore(
  { entries }: RecordSeen,
  { linkId, seq }: Entry,
  field: string,
): { ours: unknown; theirs: unknown } | null {
  const told = entries.findLast(
    (entry) => entry.seq < seq && entry.linkId === linkId && `base.${field}` in entry.changes,
  );
  return (told?.changes[`base.${field}`]?.[1] ?? null) as { ours: unknown; theirs: unknown } | null;
}

/**
 * An update without an answer was taken for one that took effect, because another of its values stood there by somebody's own hand:
 * all of them count as changed on both sides then, and the policy decides (docs/RECONCILE.md, intents and keys).
 */
function wasInDoubt(
  evidence: Evidence,
  record: RecordSeen,
  { linkId, connection }: Entry,
  field: string,
): boolean {
  const { intents, effects } = evidence;
  return [...intents.values()].some((one) => {
    if (one.linkId !== linkId || one.kind !== 'update' || one.ending !== 'done') return false;
    const calls = effects.filter(({ key }) => key === one.key);
    if (calls.some(({ applied }) => applied)) return false;
    return Object.entries(calls.find(({ values }) => values !== null)?.values ?? {}).some(
      ([name, value]) => name !== field && timesPut(evidence, record, connection as Where, name, value) > 0,
    );
  });
}

/**
 * An update without an answer, at a system where no event tells what it made: whether a third value there is its form of ours or
 * somebody's edit nobody can say, so the policy decides (docs/RECONCILE.md, intents and keys). The pair says that ours stood there
 * as it was sent, which it never did.
 */
function wasFormUntold(
  evidence: Evidence,
  record: RecordSeen,
  entry: Entry,
  field: string,
  newer: FieldValue,
): boolean {
  const planned = evidence.planned.get(entry.connection as Where);
  if (planned === undefined || (planned.tellsCause && planned.hasEventList && planned.listLag_ms === 0))
    return false;
  const assumed = (pairBefore(record, entry, field)?.theirs ?? null) as FieldValue;
  if (alike(field, assumed, newer) || !standsFor(planned.form, field, assumed, newer)) return false;
  return evidence
    .objectsOf(record, planned.name)
    .flatMap((id) => evidence.effectsOf(planned.name, id))
    .some(({ by, values }) => by === 'us' && values !== null && alike(field, values[field], assumed));
}

function keptAsLoser({ lost }: RecordSeen, field: string, value: FieldValue): boolean {
  return lost.some((one) => one.field === field && one.winner === 'remote' && alike(field, one.ours, value));
}

/** What stands there by our own hand alone is older than what stands here, and wins over nothing. */
function ownValueBack(evidence: Evidence, record: RecordSeen, entry: Entry): string[] {
  const planned = evidence.planned.get(entry.connection as Where);
  if (planned === undefined) return [];
  return Object.entries(entry.changes).flatMap(([field, [old, newer]]) => {
    if (alike(field, old, newer) || isBlank(field, newer) || standsFor(planned.form, field, old, newer))
      return [];
    if (isBlank(field, old) && pairBefore(record, entry, field) === null) return [];
    if (timesPut(evidence, record, planned.name, field, newer) > 0) return [];
    const decided =
      wasInDoubt(evidence, record, entry, field) || wasFormUntold(evidence, record, entry, field, newer);
    if (decided && keptAsLoser(record, field, old)) return [];
    return [
      `record ${record.id}: ${field} ${quoted(old)} here was overwritten by ${quoted(newer)}, which nobody but us ever wrote at ${planned.name}`,
    ];
  });
}

/** What lost a conflict is written here by nobody but a person. */
function loserWritten(evidence: Evidence, record: RecordSeen, entry: Entry): string[] {
  const planned = evidence.planned.get(entry.connection as Where);
  return Object.entries(entry.changes).flatMap(([field, [older, newer]]) => {
    // the winner was pushed, and the system's form of it happens to be what had lost
    if (planned !== undefined && standsFor(planned.form, field, older, newer)) return [];
    const lost = record.lost.some(
      (one) =>
        one.field === field &&
        one.winner === 'local' &&
        one.cause === 'both_edited' &&
        !one.resolved &&
        alike(field, one.theirs, newer) &&
        !alike(field, one.ours, newer),
    );
    const isTold = record.entries.some(
      ({ kind, seq, linkId, detail }) =>
        kind === 'lost' &&
        seq < entry.seq &&
        linkId === entry.linkId &&
        detail['field'] === field &&
        detail['cause'] === 'both_edited',
    );
    if (!lost || !isTold || timesPut(evidence, record, entry.connection as Where, field, newer) !== 1)
      return [];
    return [
      `record ${record.id}: ${field} ${quoted(newer)} of ${entry.connection} lost against ours, and was written here all the same`,
    ];
  });
}

/** An update holds what changed here and nothing else: a field besides would undo whatever is done to it there meanwhile (A1). */
function unchangedSent(record: RecordSeen, { connection, key, values }: Effect): string[] {
  const intent = record.entries.find((entry) => entry.kind === 'intent' && entry.detail['key'] === key);
  if (intent === undefined || values === null) return [];
  return Object.entries(values).flatMap(([field, value]) => {
    const pair = pairBefore(record, intent, field);
    if (pair === null) return [];
    const { ours, theirs } = pair as { ours: string | null; theirs: string | null };
    if (!alike(field, ours, value) || !alike(field, theirs, value)) return [];
    return [
      `record ${record.id}: ${field} ${quoted(value)} was sent to ${connection} (${key}), and nobody had changed it here`,
    ];
  });
}

/** A stranger: somebody made it there, and nothing of it was ever agreed with the record. */
function strangerDeleted(evidence: Evidence, record: RecordSeen, { connection, remoteId }: Effect): string[] {
  if (remoteId === null || evidence.effectsOf(connection, remoteId)[0]?.by !== 'people') return [];
  const link = record.links.find((one) => one.connection === connection && one.remoteId === remoteId);
  const agreed = [...evidence.records.values()].some(({ entries }) =>
    entries.some(
      ({ linkId, changes }) =>
        linkId === link?.id && FIELDS.some((field) => (changes[`base.${field}`]?.[1] ?? null) !== null),
    ),
  );
  return agreed
    ? []
    : [
        `${remoteId} was made at ${connection} by people, never agreed with record ${record.id}, and deleted with it`,
      ];
}

/** I3: what is kept as lost had lost to somebody; and nothing is sent or deleted for which nobody gave a reason. */
export const i3NothingUndone: Check = (evidence) =>
  [...evidence.records.values()].flatMap((record) => [
    ...record.entries.flatMap((entry) =>
      entry.kind === 'change' && entry.connection !== null && entry.detail['does'] === 'edit'
        ? [...ownValueBack(evidence, record, entry), ...loserWritten(evidence, record, entry)]
        : [],
    ),
    ...[...evidence.planned.keys()].flatMap((connection) =>
      evidence
        .objectsOf(record, connection)
        .flatMap((id) => evidence.effectsOf(connection, id))
        .flatMap((effect) => {
          if (effect.by !== 'us') return [];
          if (effect.does === 'update') return unchangedSent(record, effect);
          return effect.does === 'remove' ? strangerDeleted(evidence, record, effect) : [];
        }),
    ),
  ]);

/**
 * I6: a restore that was acknowledged stands, unless somebody deleted the record again. A deletion there that came before it does
 * not count, told or not (docs/RECONCILE.md, "Restored"). Whether one came before is told by Postgres's clock: where that was set,
 * nobody can say.
 */
export const i6RestoreStands: Check = (evidence) => {
  if (evidence.plan.acts.some(({ deed }) => deed.kind === 'skew')) return [];
  return [...evidence.records.values()].flatMap((record) => {
    const { written } = evidence;
    const restored = written.findLast(
      ({ does, record: id, fate }) =>
        id === record.id && fate === 'ok' && (does === 'restore' || does === 'insert'),
    );
    if (record.row !== null || restored === undefined) return [];
    const deletedHere = written.some(
      ({ does, record: id, fate, ended }) =>
        does === 'remove' &&
        id === record.id &&
        fate !== 'refused' &&
        fate !== 'rolled_back' &&
        ended >= restored.begun,
    );
    const deletedThere = [...evidence.planned.keys()].some((connection) =>
      evidence
        .objectsOf(record, connection)
        .some((id) =>
          evidence
            .effectsOf(connection, id)
            .some(({ by, does, step }) => by === 'people' && does === 'remove' && step >= restored.begun),
        ),
    );
    return deletedHere || deletedThere
      ? []
      : [`record ${record.id} is gone, though nobody deleted it anywhere after it was restored`];
  });
};
