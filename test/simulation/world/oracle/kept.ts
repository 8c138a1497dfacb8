/**
 * I3: no acknowledged write is lost. Whatever the sync wrote over, or deleted, must have been known to the side that it came
 * from before that side wrote something newer; else it must be kept as a lost value. What people overwrite or delete
 * themselves is theirs to lose.
 */
import type { Fields, FieldValue } from '../../../../src/core/fields';
import type { RemoteId } from '../../../../src/core/ids';
import type { Effect } from '../ledger';
import type { PlannedConnection, Where } from '../plan';
import { isEmptiedUnseen } from './evidence';
import type { Check, Entry, Evidence, LinkSeen, RecordSeen } from './evidence';
import { setAside } from './parked';
import { alike, FIELDS, isBlank, quoted, standsFor } from './sameness';

function isKept(record: RecordSeen, planned: PlannedConnection, field: string, value: FieldValue): boolean {
  return record.lost.some(
    (lost) =>
      lost.field === field &&
      (standsFor(planned.form, field, lost.ours, value) ||
        standsFor(planned.form, field, lost.theirs, value)),
  );
}

/** What a field of the record's objects at a connection was, one after the other. */
function valuesThere(evidence: Evidence, record: RecordSeen, connection: Where, field: string): FieldValue[] {
  const effects = evidence
    .objectsOf(record, connection)
    .flatMap((id) => evidence.effectsOf(connection, id))
    .toSorted((a, b) => a.step - b.step);
  return effects.flatMap(({ after }) => (after === null ? [] : [after[field] ?? null]));
}

/** What a field of the record was here, one after the other. */
function valuesHere({ entries }: RecordSeen, field: string): FieldValue[] {
  return entries.flatMap(({ kind, changes, detail }) => {
    if (kind !== 'change' || detail['does'] === 'delete') return [];
    if (field in changes) return [changes[field]?.[1] ?? null];
    return detail['does'] === 'create' ? [null] : [];
  });
}

/** Whether `old` stood in a sequence before `newer` did for the last time. */
function stoodBefore(
  values: readonly FieldValue[],
  isOld: (value: FieldValue) => boolean,
  isNewer: (value: FieldValue) => boolean,
): boolean {
  const old = values.findIndex(isOld);
  return old >= 0 && old < values.findLastIndex(isNewer);
}

/** A pair of the field was agreed with this connection before the entry. */
function agreedBefore({ entries }: RecordSeen, linkId: number | null, field: string, seq: number): boolean {
  return entries.some(
    (entry) =>
      entry.seq < seq &&
      (entry.kind === 'link' || entry.kind === 'decision') &&
      entry.linkId === linkId &&
      (entry.changes[`base.${field}`]?.[1] ?? null) !== null,
  );
}

function overwrittenHere(evidence: Evidence, record: RecordSeen, entry: Entry): string[] {
  const planned = evidence.planned.get(entry.connection as Where);
  if (planned === undefined) return [];
  const { form, name } = planned;
  return Object.entries(entry.changes).flatMap(([field, [old, newer]]) => {
    if (alike(field, old, newer) || isKept(record, planned, field, old)) return [];
    if (isBlank(field, old) && !agreedBefore(record, entry.linkId, field, entry.seq)) return [];
    const known = stoodBefore(
      valuesThere(evidence, record, name, field),
      (value) => standsFor(form, field, old, value),
      (value) => alike(field, value, newer),
    );
    if (known) return [];
    return [
      `record ${record.id}: ${field} ${quoted(old)} here was overwritten by ${quoted(newer)} from ${name}, where it never stood, and is not kept as lost`,
    ];
  });
}

function stateBefore(record: RecordSeen, seq: number): Fields {
  const state: Record<string, FieldValue> = {};
  for (const entry of record.entries) {
    if (entry.seq >= seq) break;
    if (entry.kind !== 'change') continue;
    for (const field of FIELDS) {
      const pair = entry.changes[field];
      if (pair !== undefined) state[field] = pair[1];
    }
  }
  return state;
}

function deletedHere(evidence: Evidence, record: RecordSeen, entry: Entry): string[] {
  const planned = evidence.planned.get(entry.connection as Where);
  if (planned === undefined) return [];
  const state = stateBefore(record, entry.seq);
  return FIELDS.flatMap((field) => {
    const value = state[field] ?? null;
    if (isBlank(field, value) || isKept(record, planned, field, value)) return [];
    const there = valuesThere(evidence, record, planned.name, field);
    if (there.some((one) => standsFor(planned.form, field, value, one))) return [];
    return [
      `record ${record.id}: ${field} ${quoted(value)} here went with the deletion at ${planned.name}, where it never stood, and is not kept as lost`,
    ];
  });
}

/** A process may wake with what it read long ago, or die between its reading and its writing. */
function mayLookTwice({ plan }: Evidence): boolean {
  const { deaths, stalls } = plan.rates;
  return (
    deaths > 0 ||
    stalls > 0 ||
    plan.acts.some(({ deed }) => deed.kind === 'kill' || deed.kind === 'stall' || deed.kind === 'terminate')
  );
}

/**
 * The window that docs/RECONCILE.md names: written there after our look read it and before our write took effect, at a server
 * whose events do not tell both their cause and what stood there before.
 */
function isInWindow(evidence: Evidence, effect: Effect, field: string, planned: PlannedConnection): boolean {
  if (planned.tellsCause && planned.tellsPrevious) return false;
  return isUnseen(evidence, effect, field);
}

function isUnseen(evidence: Evidence, effect: Effect, field: string): boolean {
  const { connection, remoteId, key } = effect;
  if (remoteId === null) return false;
  const history = evidence.effectsOf(connection, remoteId);
  const written = history.findLast(
    ({ by, step, before, after }) =>
      by === 'people' && step <= effect.step && !alike(field, before?.[field], after?.[field]),
  );
  if (written === undefined) return false;
  const sent = evidence.effects.find(
    (one) => (key === null ? one === effect : one.key === key) && one.connection === connection,
  );
  const sights = evidence.ledger.sights.filter(
    (sight) =>
      sight.connection === connection && sight.remoteId === remoteId && sight.step <= (sent ?? effect).step,
  );
  const decisive = sights.at(mayLookTwice(evidence) ? -2 : -1);
  return decisive === undefined || decisive.step <= written.step;
}

function overwrittenThere(evidence: Evidence, record: RecordSeen, effect: Effect): string[] {
  const { connection, key, before, after } = effect;
  const planned = evidence.planned.get(connection);
  if (planned === undefined || before === null || after === null) return [];
  const intent = record.entries.find((entry) => entry.kind === 'intent' && entry.detail['key'] === key);
  return FIELDS.flatMap((field) => {
    const old = before[field] ?? null;
    const newer = after[field] ?? null;
    if (alike(field, old, newer) || isKept(record, planned, field, old)) return [];
    const wasAgreed = intent !== undefined && agreedBefore(record, intent.linkId, field, intent.seq);
    if (isBlank(field, old) && (!wasAgreed || isEmptiedUnseen(evidence, effect, field))) return [];
    const known = stoodBefore(
      valuesHere(record, field),
      (value) => standsFor(planned.form, field, value, old),
      (value) => standsFor(planned.form, field, value, newer),
    );
    if (known || isInWindow(evidence, effect, field, planned)) return [];
    return [
      `record ${record.id}: ${field} ${quoted(old)} at ${connection} was overwritten by our ${quoted(newer)}, though it never stood here before that, and is not kept as lost`,
    ];
  });
}

function deletedThere(evidence: Evidence, record: RecordSeen, effect: Effect): string[] {
  const { connection, before } = effect;
  const planned = evidence.planned.get(connection);
  if (planned === undefined || before === null) return [];
  return FIELDS.flatMap((field) => {
    const value = before[field] ?? null;
    if (isBlank(field, value) || isKept(record, planned, field, value)) return [];
    if (valuesHere(record, field).some((one) => standsFor(planned.form, field, one, value))) return [];
    return [
      `record ${record.id}: ${field} ${quoted(value)} at ${connection} went with our deletion, though it never stood here, and is not kept as lost`,
    ];
  });
}

/** Whether what stands here was added with the id of a deleted record: an INSERT with that id is a restore. */
function cameBack({ entries }: RecordSeen): boolean {
  const added = entries.findLast(
    ({ kind, detail }) => kind === 'change' && (detail['does'] === 'create' || detail['does'] === 'restore'),
  );
  return added?.detail['does'] === 'restore';
}

/**
 * Deleted and restored here while its creation was in doubt, and deleted there after that. Nobody told it before the creation was
 * found, or the system says the same second: the restore stands then (docs/RECONCILE.md, "Restored").
 */
function restoredInDoubt({ contents }: Evidence, { entries }: RecordSeen, link: LinkSeen): boolean {
  const { id: linkId, connection, remoteId } = link;
  const made = entries.find((entry) => entry.kind === 'intent' && entry.linkId === linkId);
  const found = entries.find(
    (entry) => entry.linkId === linkId && entry.changes['remote_id']?.[1] === remoteId,
  );
  if (made === undefined || found === undefined) return false;
  const restored = entries.findLast(
    ({ kind, connection: through, detail, seq }) =>
      kind === 'change' &&
      through === null &&
      detail['does'] === 'restore' &&
      made.seq < seq &&
      seq < found.seq,
  );
  if (restored === undefined) return false;
  return !contents.events.some(
    (event) =>
      event['connection'] === connection &&
      event['remote_id'] === remoteId &&
      (event['created_at'] as number) > restored.at_ms &&
      (event['received_at'] as number) < found.at_ms,
  );
}

/**
 * Somebody deleted it there, and it stands here though the product's own code did not write it anew: restored after that or once
 * the object was known, or added with the id of a record that was born there, when its deletion was known.
 */
function deletionLost(evidence: Evidence, record: RecordSeen, connection: Where, id: RemoteId): string[] {
  const erased = evidence
    .effectsOf(connection, id)
    .find(({ by, does }) => by === 'people' && does === 'remove');
  if (erased === undefined || record.row === null) return [];
  const restoredSince = evidence.written.some(
    ({ does, record: written, fate, begun }) =>
      written === record.id &&
      (does === 'restore' || (does === 'insert' && cameBack(record))) &&
      (fate === 'ok' || fate === 'unknown') &&
      begun > erased.step,
  );
  if (restoredSince) return [];
  const link = record.links.find((one) => one.connection === connection && one.remoteId === id);
  if (link !== undefined && setAside(evidence, record, link) !== null) return [];
  // It was only recognised as this record, and gone before anything was agreed with it: that deletion was not about the record.
  const wasAgreed = record.entries.some(
    ({ linkId, changes }) =>
      linkId === link?.id && Object.keys(changes).some((name) => name.startsWith('base.')),
  );
  if (link !== undefined && (!wasAgreed || restoredInDoubt(evidence, record, link))) return [];
  const told = (name: string, value: unknown): number =>
    record.entries.find(({ linkId, changes }) => linkId === link?.id && changes[name]?.[1] === value)?.seq ??
    Number.POSITIVE_INFINITY;
  const known = told('remote_id', id);
  const gone = told('remote_deleted', true);
  const isMeant = record.entries.some(
    ({ kind, connection: through, detail, seq }) =>
      kind === 'change' &&
      through === null &&
      ((detail['does'] === 'restore' && seq > known) || (detail['does'] === 'create' && seq > gone)),
  );
  return isMeant
    ? []
    : [`record ${record.id} stands here, though ${id} was deleted at ${connection} and nobody restored it`];
}

export const i3NothingLost: Check = (evidence) =>
  [...evidence.records.values()].flatMap((record) => [
    ...record.entries.flatMap((entry) => {
      if (entry.kind !== 'change' || entry.connection === null) return [];
      if (entry.detail['does'] === 'delete') return deletedHere(evidence, record, entry);
      return entry.detail['does'] === 'edit' ? overwrittenHere(evidence, record, entry) : [];
    }),
    ...[...evidence.planned.keys()].flatMap((connection) =>
      evidence.objectsOf(record, connection).flatMap((id) => [
        ...deletionLost(evidence, record, connection, id),
        ...evidence.effectsOf(connection, id).flatMap((effect) => {
          if (effect.by !== 'us') return [];
          if (effect.does === 'update') return overwrittenThere(evidence, record, effect);
          return effect.does === 'remove' ? deletedThere(evidence, record, effect) : [];
        }),
      ]),
    ),
  ]);
