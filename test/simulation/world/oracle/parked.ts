/** Whether the reason for which a link is set aside is true, as the world stands. */
import type { MemoryObject } from '../../../../src/connectors/memory';
import { SWINGS_MAX } from '../../../../src/core/pingPong';
import { formed } from '../forms';
import { REFUSED } from '../plan';
import { isEmptiedUnseen } from './evidence';
import type { Evidence, LinkSeen, RecordSeen } from './evidence';
import { alike, FIELDS, isBlank } from './sameness';

export interface Aside {
  /** Fields that may differ because of it. */
  readonly fields: readonly string[];
}

const ALL: Aside = { fields: FIELDS };

function objectOf({ living }: Evidence, link: LinkSeen): MemoryObject | null {
  return link.remoteId === null ? null : (living.get(link.connection)?.get(link.remoteId) ?? null);
}

type Judge = (
  evidence: Evidence,
  record: RecordSeen,
  link: LinkSeen,
  named: readonly string[],
) => Aside | null;

/** A person is asked: the two differ, and the question is open. */
const conflict: Judge = (evidence, record, link, named) => {
  const object = objectOf(evidence, link);
  const { row } = record;
  if (object === null || row === null || evidence.plan.onConflict !== 'ask') return null;
  const isAsked = (field: string): boolean =>
    !alike(field, row[field], object.fields[field]) &&
    record.lost.some((lost) => lost.field === field && lost.winner === 'ask' && !lost.resolved);
  return named.length > 0 && named.every(isAsked) ? { fields: named } : null;
};

/** Fields that they took and kept nothing of. */
function dropped(evidence: Evidence, { row }: RecordSeen, link: LinkSeen): string[] {
  const object = objectOf(evidence, link);
  const planned = evidence.planned.get(link.connection);
  if (object === null || row === null || planned === undefined) return [];
  return FIELDS.filter(
    (field) =>
      (isBlank(field, formed(planned.form, field, row[field] ?? null)) ||
        isEmptiedUnseen(evidence, link, field)) &&
      !isBlank(field, row[field]) &&
      isBlank(field, object.fields[field]),
  );
}

/** They refuse what stands here; or they took it and kept nothing. */
const rejected: Judge = (evidence, record, link, named) => {
  const { row } = record;
  const planned = evidence.planned.get(link.connection);
  if (row === null || planned === undefined) return null;
  if (link.reason?.detail === 'accepted the call, kept no value') {
    const fields = dropped(evidence, record, link);
    return named.length > 0 && named.every((field) => fields.includes(field)) ? { fields } : null;
  }
  const holdsRefused = FIELDS.some((field) => String(row[field] ?? '').includes(REFUSED));
  return planned.refuses && holdsRefused ? ALL : null;
};

/** Somebody copied a mark: the object names another record, or another record has what this one made. */
const claimsRecord: Judge = (evidence, record, link) => {
  const { copied } = evidence.remotes;
  if (link.remoteId !== null) return copied.has(link.remoteId) ? ALL : null;
  return evidence.objectsOf(record, link.connection).some((id) => copied.has(id)) ? ALL : null;
};

/** More deletions than the guard lets through, and this one is still wanted. */
const deleteBurst: Judge = (evidence, record, link) => {
  if (evidence.plan.deleteGuard === null) return null;
  const stands = objectOf(evidence, link) !== null;
  return stands !== (record.row !== null) ? ALL : null;
};

/** The sync itself went to and fro often enough. */
const pingPong: Judge = (evidence, record, link, named) => {
  const isWorn = (field: string): boolean => {
    const inward = record.entries.filter(
      ({ kind, connection, changes }) =>
        kind === 'change' && connection === link.connection && field in changes,
    );
    const outward = evidence
      .objectsOf(record, link.connection)
      .flatMap((id) => evidence.effectsOf(link.connection, id))
      .filter(({ by, values }) => by === 'us' && values !== null && field in values);
    const lost = record.lost.filter((one) => one.field === field);
    return inward.length + outward.length + lost.length >= SWINGS_MAX;
  };
  return named.length > 0 && named.every(isWorn) ? { fields: named } : null;
};

const JUDGES: Readonly<Record<string, Judge>> = {
  conflict,
  rejected,
  claims_record: claimsRecord,
  delete_burst: deleteBurst,
  ping_pong: pingPong,
};

/** @returns what may differ because the link is set aside, or null when it is not or its reason is not true */
export function setAside(evidence: Evidence, record: RecordSeen, link: LinkSeen): Aside | null {
  if (link.outcome !== 'parked' || link.reason === null) return null;
  const named = link.reason.field?.split(',') ?? [];
  const aside = JUDGES[link.reason.code]?.(evidence, record, link, named) ?? null;
  // only the most urgent reason is told
  return aside === null ? null : { fields: [...aside.fields, ...dropped(evidence, record, link)] };
}

/** How a link is, in words. */
export function condition({ state, outcome, reason, remoteId }: LinkSeen): string {
  const why =
    reason === null ? '' : ` (${[reason.code, reason.field, reason.detail].filter(Boolean).join(', ')})`;
  return `${state}, ${outcome}${why}${remoteId === null ? ', without an object' : `, ${remoteId}`}`;
}
