import type { Fields, FieldValue } from '../../../../src/core/fields';
import { formed } from '../forms';
import type { Evidence, RecordSeen } from './evidence';
import type { Check } from './evidence';
import { canonical, FIELDS, quoted } from './sameness';

/** By field, every value in canonical form that somebody gave this record, on any side. */
export function givenTo(evidence: Evidence, record: RecordSeen): Map<string, Set<FieldValue>> {
  const given = new Map(FIELDS.map((field) => [field, new Set<FieldValue>([null])]));
  const add = (fields: Fields): void => {
    for (const [field, value] of Object.entries(fields)) {
      let all: FieldValue[] = [value];
      // a value may pass through two systems, each with a form of its own
      for (let hop = 0; hop < 2; hop += 1) {
        all = all.flatMap((one) => [
          one,
          ...evidence.plan.connections.map(({ form }) => formed(form, field, one)),
        ]);
      }
      for (const one of all) given.get(field)?.add(canonical(field, one));
    }
  };
  for (const { record: id, fields, fate } of evidence.written) {
    if (id === record.id && (fate === 'ok' || fate === 'unknown')) add(fields);
  }
  for (const connection of evidence.planned.keys()) {
    for (const id of evidence.objectsOf(record, connection)) {
      for (const { by, after } of evidence.effectsOf(connection, id)) {
        if (by === 'people' && after !== null) add(after);
      }
    }
  }
  return given;
}

function strange(given: ReadonlyMap<string, ReadonlySet<FieldValue>>, fields: Fields): string[] {
  return FIELDS.filter((field) => given.get(field)?.has(canonical(field, fields[field])) !== true);
}

/**
 * I4: every value, at the end and at any time between, was written for this record by somebody, or is a system's form of such
 * a value. What was rolled back was written by nobody.
 */
export const i4NoInvention: Check = (evidence) =>
  [...evidence.records.values()].flatMap((record) => {
    const given = givenTo(evidence, record);
    const told: string[] = [];
    const note = (where: string, fields: Fields): void => {
      for (const field of strange(given, fields))
        told.push(`record ${record.id} ${where}: ${field} is ${quoted(fields[field])}, which nobody wrote`);
    };
    if (record.row !== null) note('here', record.row);
    for (const { kind, changes } of record.entries) {
      if (kind !== 'change') continue;
      const after = Object.entries(changes).map(([field, pair]) => [field, pair[1]] as const);
      note('here, for a while', Object.fromEntries(after.filter(([field]) => FIELDS.includes(field))));
    }
    for (const [connection, objects] of evidence.living) {
      for (const id of evidence.objectsOf(record, connection)) {
        const object = objects.get(id);
        if (object !== undefined) note(`as ${id} at ${connection}`, object.fields);
      }
    }
    return [...new Set(told)];
  });
