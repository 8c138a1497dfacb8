import type { Effect } from '../ledger';
import type { Check, Evidence, RecordSeen } from './evidence';
import { alike, FIELDS } from './sameness';

function told({ does, connection, remoteId, recordId, key, values }: Effect): string {
  const what = values === null ? '' : ` ${Object.keys(values).join(', ')}`;
  return `${does}${what} of ${remoteId ?? recordId ?? 'nothing'} at ${connection}${key === null ? '' : ` (${key})`}`;
}

/** After all came to rest, everything was delivered once more and swept: nobody may have written anything. */
function afterRest({ effects, moments, settled, contents }: Evidence): string[] {
  const late = effects.slice(moments.atRest.ledger).filter(({ by }) => by === 'us');
  const versions = new Map(settled.customers.map((row) => [row['id'], row['version']]));
  const moved = contents.customers.filter((row) => versions.get(row['id']) !== row['version']);
  return [
    ...late.map((effect) => `after all was at rest we sent: ${told(effect)}`),
    ...moved.map((row) => `after all was at rest record ${String(row['id'])} was written here`),
    ...(contents.customers.length < settled.customers.length
      ? ['after all was at rest a record was deleted']
      : []),
  ];
}

/** Changes that people made to a record, on all sides; a field is a change. What a system made of our value is one too. */
function changesOf(evidence: Evidence, record: RecordSeen): number {
  const fieldsChanged = (before: object | null, after: object | null): number =>
    before === null || after === null
      ? FIELDS.length
      : FIELDS.filter((field) => !alike(field, Reflect.get(before, field), Reflect.get(after, field))).length;
  const here = record.entries
    .filter(({ kind, connection }) => kind === 'change' && connection === null)
    .reduce(
      (sum, { changes, detail }) =>
        sum + (detail['does'] === 'edit' ? Object.keys(changes).length : FIELDS.length),
      0,
    );
  const there = [...evidence.planned.keys()]
    .flatMap((name) => evidence.objectsOf(record, name).flatMap((id) => evidence.effectsOf(name, id)))
    .filter(({ by }) => by === 'people')
    .reduce((sum, { before, after }) => sum + fieldsChanged(before, after), 0);
  const altered = record.lost.filter(({ cause }) => cause === 'altered').length;
  return here + there + altered;
}

function tooMany(evidence: Evidence, record: RecordSeen): string[] {
  const changes = changesOf(evidence, record);
  return [...evidence.planned.keys()].flatMap((name) => {
    const writes = evidence
      .objectsOf(record, name)
      .flatMap((id) => evidence.effectsOf(name, id))
      .filter(({ by }) => by === 'us').length;
    return writes <= changes
      ? []
      : [
          `record ${record.id}: ${changes} changes were made by people, and we wrote ${writes} times at ${name}`,
        ];
  });
}

/** I7: silence. When input has stopped writing stops; there are no more writes than changes; and telling it all again is no news. */
export const i7Silence: Check = (evidence) => [
  ...afterRest(evidence),
  ...[...evidence.records.values()].flatMap((record) => tooMany(evidence, record)),
];
