/** What a sweep makes of one thing it met. Pure; what it calls a finding is a hint and no more: the look decides. */
import type { Catalog } from '../../src/catalogs/catalog';
import type { RemoteObject } from '../../src/connectors/connector';
import type { Base, Fields } from '../../src/core/fields';
import type { ListedLink, LiveLink, StandingRecord } from '../../src/store/sweepReadings';
import type { Finding } from '../../src/store/sweepFindings';

/** The synced fields that differ from what was agreed, in the form in which they are compared. */
export function differing(catalog: Catalog, base: Base, side: 'ours' | 'theirs', fields: Fields): string[] {
  return Object.entries(catalog.fields).flatMap(([field, { canonical }]) => {
    const agreed = base[field]?.[side] ?? null;
    return canonical(fields[field] ?? null) === canonical(agreed) ? [] : [field];
  });
}

/** Fields that are known to differ: a person was asked about them, or must edit them. */
function knownToDiffer({ outcome, reason }: Pick<ListedLink, 'outcome' | 'reason'>): string[] {
  return outcome === 'parked' ? (reason?.field?.split(',') ?? []) : [];
}

/**
 * An object that is in the other side's list, seen with the link it has here.
 * @returns `again` when nothing tells whether there is anything new about one that is parked: it is looked at, and no finding
 */
export function judgeObject(
  catalog: Catalog,
  object: RemoteObject,
  link: ListedLink,
): Finding | 'again' | null {
  const { id: linkId, recordId, outcome, reason } = link;
  const found = { recordId, linkId, remoteId: object.remoteId, side: 'there' as const };
  if (link.tended) return null;
  switch (link.state) {
    case 'retired':
    case 'void':
    case 'deleting':
      return null;
    case 'reserved': {
      const parkedFor = outcome === 'parked' ? (reason?.code ?? null) : null;
      // parked because of a mark that is on it still
      if (parkedFor !== null && object.claims !== null && object.claims !== recordId) return null;
      // refused here before anything was agreed: there is no base that would tell whether it was edited since
      if (parkedFor !== null && parkedFor !== 'claims_record') return 'again';
      return { ...found, kind: 'created', fields: [] };
    }
    case 'linked': {
      if (outcome === 'parked' && reason?.code === 'remote_missing')
        return { ...found, kind: 'edited', fields: [] };
      const known = knownToDiffer(link);
      const fields = differing(catalog, link.base, 'theirs', object.fields).filter(
        (field) => !known.includes(field),
      );
      return fields.length === 0 ? null : { ...found, kind: 'edited', fields };
    }
  }
}

/** Parked before this sweep, and nothing new was found about it: it is counted, and waits for a person as before. */
export function isKnown({ outcome, found }: LiveLink): boolean {
  return outcome === 'parked' && !found;
}

/** A live link, after the other side was listed to its end. Parked ones are known, and said to whoever asks. */
export function judgeLink(link: LiveLink): Finding | null {
  const found = { recordId: link.recordId, linkId: link.id, remoteId: link.remoteId, fields: [] };
  if (link.tended || link.outcome === 'parked') return null;
  if (link.tombstone && !link.stands) return { ...found, side: 'here', kind: 'deleted' };
  if (link.state === 'linked' && !link.stands) return { ...found, side: 'here', kind: 'vanished' };
  // Absent from a list is a hint and no proof: the look reads the object itself.
  if (link.state === 'linked' && !link.seen) return { ...found, side: 'there', kind: 'missing' };
  if (['pending', 'waiting', 'paused'].includes(link.outcome))
    return { ...found, side: 'here', kind: 'unfinished' };
  return null;
}

/** A record that stands here. Its version tells nothing: what wrote it may have gone past the triggers that count it. */
export function judgeRecord(catalog: Catalog, record: StandingRecord): Finding | null {
  const { recordId, link } = record;
  if (record.tended) return null;
  const found = { recordId, remoteId: null, side: 'here' as const };
  if (link === null) return { ...found, linkId: null, kind: 'created', fields: [] };
  if (link.outcome === 'parked') return null;
  const fields = differing(catalog, link.base, 'ours', record.fields);
  return fields.length === 0 ? null : { ...found, linkId: link.id, kind: 'edited', fields };
}
