import type { RemoteObject } from '../src/connectors/connector';
import type { Fields } from '../src/core/fields';
import { UNASKABLE } from '../src/core/failure';
import type { Link } from '../src/store/links';
import { hasBase } from './agreement';
import { noteCall } from './deps';
import type { ActivityDeps, LinkTools } from './deps';
import type { StepResult } from './stepResult';
import { treatFailure } from './treatFailure';

/** What the system shows of a value by which a catalog recognises. */
export interface Alike {
  readonly value: string;
  /** Living objects with this value, without our mark. */
  readonly objects: readonly RemoteObject[];
}

function canonical({ catalog, policy }: LinkTools, fields: Fields): string | null {
  const field = catalog.recognisedBy;
  const form = field === null ? null : (policy.fields[field]?.canonical(fields[field] ?? null) ?? null);
  return typeof form === 'string' ? form : null;
}

/** The fields by which a pair may be recognised in this look, or null where the two sides have met before. */
async function meeting(
  { store }: ActivityDeps,
  { catalog }: LinkTools,
  { connection, recordId }: Link,
  theirs: Fields | null,
): Promise<Fields | null> {
  const { recognisedBy } = catalog;
  if (theirs === null) {
    if (!(await store.records.stoodBeforeMeeting(catalog, connection, recordId))) return null;
    const record = await store.records.readRecord(catalog, recordId);
    return record.kind === 'live' ? record.fields : null;
  }
  const value = recognisedBy === null ? null : (theirs[recognisedBy] ?? null);
  if (value === null) return null;
  const [only, more] = await store.records.findRecognised(catalog, connection, value);
  const mayBeIt = only?.free === true && more === undefined;
  return mayBeIt && (await store.records.stoodBeforeMeeting(catalog, connection, only.recordId))
    ? theirs
    : null;
}

/**
 * Who stands on both sides when they meet is one pair, whichever side is looked at first. As long as a record may have stood
 * here before the first sweep has read everything there, the system is asked who else has its e-mail: before the record is
 * created there, and before an object is linked to it. Afterwards every object that stood there has been heard of.
 * @param theirs the object's fields, null where the link has none yet
 * @returns null when nothing was asked; a step's result when the question failed
 */
export async function askAlike(
  deps: ActivityDeps,
  tools: LinkTools,
  link: Link,
  theirs: Fields | null,
): Promise<Alike | StepResult | null> {
  const { remote } = tools;
  if (remote.findAlike === undefined || tools.catalog.recognisedBy === null) return null;
  if (link.state !== 'reserved' || link.generation !== 1 || link.remoteDeleted || hasBase(link)) return null;
  if (theirs !== null && link.born === 'local') return null;
  const fields = await meeting(deps, tools, link, theirs);
  const value = fields === null ? null : fields[tools.catalog.recognisedBy];
  if (fields === null || typeof value !== 'string' || canonical(tools, fields) === null) return null;
  const answer = await remote.findAlike(value);
  noteCall(deps, link.connection, 'findAlike', answer);
  if (answer.kind === 'failed') {
    return UNASKABLE.has(answer.failure.kind) ? null : treatFailure(deps, tools, link, answer.failure);
  }
  // a server that knows no such filter shows everybody
  const isMeant = ({ claims, fields: there }: RemoteObject): boolean =>
    claims === null && canonical(tools, there) === canonical(tools, fields);
  const byId = new Map(answer.value.filter(isMeant).map((object) => [object.remoteId, object]));
  return { value, objects: [...byId.values()] };
}
