import { markName } from '../../../../src/connectors/connector';
import type { RemoteId } from '../../../../src/core/ids';
import type { Effect } from '../ledger';
import type { Where } from '../plan';
import type { Check, Evidence, RecordSeen } from './evidence';
import { alike, FIELDS } from './sameness';

function told({ does, connection, remoteId, recordId, key, values }: Effect): string {
  const what = values === null ? '' : ` ${Object.keys(values).join(', ')}`;
  return `${does}${what} of ${remoteId ?? recordId ?? 'nothing'} at ${connection}${key === null ? '' : ` (${key})`}`;
}

/**
 * Somebody copied a mark to an object, which was set aside for it, and then wrote over it the mark of an object that has none. No
 * event tells of that: the sweep after the rest finds it, and the object becomes a record. That one write is right.
 */
function becameFree({ settled, contents, remotes, planned, installation }: Evidence): ReadonlySet<unknown> {
  const mark = markName(installation);
  const isFree = (connection: unknown, id: RemoteId): boolean =>
    planned.has(connection as Where) &&
    remotes.copied.has(id) &&
    remotes.systems.some(
      (system) => (system.name as unknown) === connection && system.object(id).marks[mark] === undefined,
    );
  const here = new Set(settled.customers.map((row) => row['id']));
  const free = settled.links.filter(
    (link) =>
      link['outcome'] === 'parked' &&
      (link['reason'] as { code: string } | null)?.code === 'claims_record' &&
      link['remote_id'] !== null &&
      !here.has(link['record_id']) &&
      isFree(link['connection'], link['remote_id'] as RemoteId),
  );
  const freed = new Set(free.map((link) => link['record_id']));
  return new Set(
    contents.customers.flatMap(({ id, version }) => (version === 1 && freed.has(id) ? [id] : [])),
  );
}

/** After all came to rest, everything was delivered once more and swept: nobody may have written anything. */
function afterRest(evidence: Evidence): string[] {
  const { effects, moments, settled, contents } = evidence;
  const freed = becameFree(evidence);
  const late = effects
    .slice(moments.atRest.ledger)
    .filter(({ by, does, recordId }) => by === 'us' && !(does === 'create' && freed.has(recordId)));
  const versions = new Map(settled.customers.map((row) => [row['id'], row['version']]));
  const moved = contents.customers.filter(
    (row) => versions.get(row['id']) !== row['version'] && !freed.has(row['id']),
  );
  const known = new Set(settled.conflicts.map((row) => row['id']));
  const lost = contents.conflicts.filter((row) => !known.has(row['id']));
  return [
    ...late.map((effect) => `after all was at rest we sent: ${told(effect)}`),
    ...moved.map((row) => `after all was at rest record ${String(row['id'])} was written here`),
    ...lost.map(
      (row) =>
        `after all was at rest a value of record ${String(row['record_id'])} was kept as lost: ${String(row['field'])}`,
    ),
    ...(contents.customers.length - freed.size < settled.customers.length
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
