import { condition, setAside } from './parked';
import { linkAt } from './evidence';
import type { Check, Evidence, LinkSeen, RecordSeen } from './evidence';
import type { Where } from '../plan';
import { differing, quoted } from './sameness';

function standingHere(evidence: Evidence, record: RecordSeen, connection: Where): string[] {
  const { row } = record;
  const link = linkAt(record, connection);
  if (row === null) return [];
  if (link === null) return [`record ${record.id} stands here and has no link at ${connection}`];
  const where = `record ${record.id} at ${connection}`;
  const aside = setAside(evidence, record, link);
  const object =
    link.remoteId === null ? null : (evidence.living.get(connection)?.get(link.remoteId) ?? null);
  if (link.state !== 'linked' || object === null) {
    if (aside !== null) return [];
    return [
      `${where}: it stands here, and there its link is ${condition(link)}, its object ${object === null ? 'is gone' : 'stands'}`,
    ];
  }
  const unequal = differing(row, object.fields).filter((field) => aside?.fields.includes(field) !== true);
  const told = unequal.map(
    (field) =>
      `${where}: ${field} is ${quoted(row[field])} here and ${quoted(object.fields[field])} there; its link is ${condition(link)}`,
  );
  if (told.length > 0 || aside !== null || link.outcome === 'in_sync') return told;
  return [`${where}: both sides are alike, and its link is ${condition(link)}`];
}

/** What is deleted here is deleted there; with the policy `detach` it stays, cut off. */
function deletedHere(evidence: Evidence, record: RecordSeen, link: LinkSeen): string[] {
  const object =
    link.remoteId === null ? undefined : evidence.living.get(link.connection)?.get(link.remoteId);
  if (object === undefined) return [];
  if (evidence.plan.onDelete === 'detach' && link.detached) return [];
  if (setAside(evidence, record, link) !== null) return [];
  return [
    `record ${record.id} is deleted here, and ${object.id} still stands at ${link.connection}; its link is ${condition(link)}`,
  ];
}

/** I1: when input has stopped, every linked and unparked record is equal on all sides, field by field, or gone from all. */
export const i1Convergence: Check = (evidence) =>
  [...evidence.records.values()].flatMap((record) => {
    if (record.row !== null)
      return [...evidence.planned.keys()].flatMap((name) => standingHere(evidence, record, name));
    if (record.tombstone !== null) return record.links.flatMap((link) => deletedHere(evidence, record, link));
    return [];
  });

/** I5, one half: what stands there alone comes here. */
function standingThere(evidence: Evidence): string[] {
  return [...evidence.living].flatMap(([connection, objects]) =>
    [...objects.values()].flatMap((object) => {
      const link = evidence.links.find((one) => one.connection === connection && one.remoteId === object.id);
      if (link === undefined) {
        return evidence.remotes.copied.has(object.id)
          ? []
          : [
              `${object.id} stands at ${connection}, and nobody here knows it: ${quoted(object.fields['email'])}`,
            ];
      }
      const record = evidence.records.get(link.record);
      if (record === undefined || record.row !== null || record.tombstone !== null) return [];
      if (setAside(evidence, record, link) !== null) return [];
      return [
        `${object.id} stands at ${connection}, and its record ${link.record} never came to stand here; ${condition(link)}`,
      ];
    }),
  );
}

/** I5, the other half: nothing is gone that nobody deleted. */
function deletedByNobody(evidence: Evidence): string[] {
  return [...evidence.records.values()].flatMap((record) => {
    if (record.tombstone === null) return [];
    const here = evidence.written.some(
      ({ does, record: id, fate }) =>
        does === 'remove' && id === record.id && (fate === 'ok' || fate === 'unknown'),
    );
    const there = [...evidence.planned.keys()].some((connection) =>
      evidence
        .objectsOf(record, connection)
        .some((id) =>
          evidence.effectsOf(connection, id).some(({ by, does }) => by === 'people' && does === 'remove'),
        ),
    );
    return here || there ? [] : [`record ${record.id} is deleted, and nobody deleted it anywhere`];
  });
}

/** I5: what stood on one side only stands on all at the end, unless somebody deleted it. */
export const i5NothingMissing: Check = (evidence) => [
  ...standingThere(evidence),
  ...deletedByNobody(evidence),
];
