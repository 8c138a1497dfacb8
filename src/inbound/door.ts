/**
 * HEAR. Every event of a remote system comes in here, by webhook or poll, and leaves as a stored row and, unless it is
 * our own echo, a queued record. Both stand or neither; the sender's 2xx comes after that.
 * May touch: src/core, src/connectors (the port), src/store. Touched by: src/bin.
 */
import type { Connector, Identity, RemoteEvent } from '../connectors/connector';
import { keyPrefix } from '../connectors/connector';
import type { Policy } from '../core/fields';
import type { CatalogName, RecordId } from '../core/ids';
import { parseRecordId, trusted } from '../core/ids';
import type { LostValue } from '../core/merge';
import type { EventResult, HeardEvent } from '../store/events';
import type { Fingerprint } from '../store/installation';
import type { Link } from '../store/links';
import type { Statements, Store } from '../store/store';

export interface DoorPorts {
  readonly store: Store;
  readonly installation: string;
  readonly fingerprint: Fingerprint;
  readonly policies: ReadonlyMap<CatalogName, Policy>;
}

type Subject = NonNullable<RemoteEvent['subject']>;

/** What is to be done about one event; decided by reading only, so that a repeated delivery changes nothing. */
type Plan =
  | { readonly kind: 'note'; readonly result: EventResult; readonly recordId: RecordId | null }
  | {
      readonly kind: 'queue';
      readonly recordId: RecordId;
      readonly linkId: number | null;
      readonly deleted: boolean;
    }
  | {
      readonly kind: 'overwritten';
      readonly link: Pick<Link, 'id' | 'recordId'>;
      readonly lost: readonly LostValue[];
    }
  | { readonly kind: 'reserve' };

/** Values that our write replaced without having seen them: somebody edited between our read and our write. */
function overwritten(
  ports: DoorPorts,
  subject: Subject,
  replaces: Readonly<Record<string, string>>,
): LostValue[] {
  const rules = ports.policies.get(subject.catalog)?.fields ?? {};
  return Object.entries(subject.previous ?? {}).flatMap(([field, previous]) => {
    const rule = rules[field];
    const expected = replaces[field];
    if (rule === undefined || expected === undefined) return [];
    if (ports.fingerprint(field, rule.canonical(previous)) === expected) return [];
    const ours = subject.fields[field] ?? null;
    return [
      { field, ours, theirs: previous, winner: 'local' as const, cause: 'overwritten_unseen' as const },
    ];
  });
}

async function planEcho(
  ports: DoorPorts,
  tx: Statements,
  subject: Subject,
  key: string,
): Promise<Plan | null> {
  const intent = await tx.intents.findByKey(key);
  // A key of ours that is not in our books: the database was restored from an older backup. Then it is a plain hint.
  if (intent === null) return null;
  const recordId = trusted(parseRecordId(intent.recordId), 'record id');
  const lost = overwritten(ports, subject, intent.replaces);
  if (lost.length === 0) return { kind: 'note', result: 'echo', recordId };
  return { kind: 'overwritten', link: { id: intent.linkId, recordId }, lost };
}

/** Values that went with an object we deleted and that the deletion did not know: edited between our read and our DELETE. */
async function deletedUnseen(
  ports: DoorPorts,
  tx: Statements,
  link: Link,
  subject: Subject,
): Promise<LostValue[]> {
  const replaces = await tx.intents.lastDeletion(link.id);
  if (replaces === null) return [];
  return Object.entries(ports.policies.get(subject.catalog)?.fields ?? {}).flatMap(([field, rule]) => {
    const theirs = subject.fields[field] ?? null;
    const canonical = rule.canonical(theirs);
    const expected = replaces[field];
    // an emptied field leaves nothing to be kept, and some servers tell no values of what is gone
    if (canonical === null || expected === undefined) return [];
    if (ports.fingerprint(field, canonical) === expected) return [];
    const ours = link.base[field]?.ours ?? null;
    return [{ field, ours, theirs, winner: 'deletion' as const, cause: 'edit_and_delete' as const }];
  });
}

async function planKnown(ports: DoorPorts, tx: Statements, link: Link, subject: Subject): Promise<Plan> {
  const { recordId, id: linkId } = link;
  const deleted = subject.change === 'deleted';
  const ended = link.state === 'retired' || link.state === 'void';
  if (ended && deleted && link.detached) return { kind: 'queue', recordId, linkId, deleted };
  // Our own deletion on its way: the look that sent it is still at work, unless it was set aside. Without an open intent the
  // record was restored before its deletion was sent.
  const owed = deleted && link.state === 'deleting' && link.outcome !== 'parked';
  if (deleted && (ended || owed)) {
    const lost = await deletedUnseen(ports, tx, link, subject);
    if (lost.length > 0) return { kind: 'overwritten', link, lost };
    if (ended) return { kind: 'note', result: 'retired', recordId };
    if ((await tx.intents.findOpen(linkId)) !== null) return { kind: 'note', result: 'echo', recordId };
  }
  if (ended) return { kind: 'note', result: 'retired', recordId };
  return { kind: 'queue', recordId, linkId, deleted };
}

async function plan(
  ports: DoorPorts,
  tx: Statements,
  connector: Connector,
  event: RemoteEvent,
): Promise<Plan> {
  const { subject } = event;
  if (subject === null || !connector.catalogs.has(subject.catalog)) {
    return { kind: 'note', result: 'ignored', recordId: null };
  }
  const key = event.causedByKey;
  if (key !== null && key.startsWith(keyPrefix(ports.installation, connector.connection))) {
    const echo = await planEcho(ports, tx, subject, key);
    if (echo !== null) return echo;
  }
  const link = await tx.links.findByRemote(connector.connection, subject.catalog, subject.remoteId);
  if (link !== null) return planKnown(ports, tx, link, subject);
  const owned =
    subject.claims !== null &&
    (await tx.intents.hasOpenCreate(connector.connection, subject.catalog, subject.claims));
  // What an open create of ours made, told by a server that names no keys: its look will find out.
  if (owned && subject.claims !== null) {
    return { kind: 'queue', recordId: subject.claims, linkId: null, deleted: false };
  }
  return { kind: 'reserve' };
}

function planned(decided: Plan): { result: EventResult; recordId: RecordId | null } {
  if (decided.kind === 'note') return decided;
  if (decided.kind === 'queue') return { result: 'queued', recordId: decided.recordId };
  if (decided.kind === 'overwritten') return { result: 'queued', recordId: decided.link.recordId };
  return { result: 'queued', recordId: null };
}

async function reserve(
  tx: Statements,
  connector: Connector,
  subject: Subject,
): Promise<{ result: EventResult; recordId: RecordId; queue: boolean }> {
  const deleted = subject.change === 'deleted';
  const { connection } = connector;
  const link = await tx.links.reserveForRemote({
    connection,
    catalog: subject.catalog,
    remoteId: subject.remoteId,
    deleted,
  });
  if (deleted && link.state !== 'void') await tx.links.proveRemoteDeletion(link.id);
  return {
    result: link.state === 'void' ? 'void' : 'queued',
    recordId: link.recordId,
    queue: link.state !== 'void',
  };
}

/** An identity never changes once it is kept, so it is read until it is there. */
const identities = new WeakMap<Connector, Identity>();

/** Whether an event speaks of the account and mode this connection was set up with. */
async function concernsUs(tx: Statements, connector: Connector, event: RemoteEvent): Promise<boolean> {
  const known = identities.get(connector);
  const identity = known ?? (await tx.connections.find(connector.connection))?.identity ?? null;
  if (identity === null) return true;
  identities.set(connector, identity);
  if (event.live !== (identity.mode === 'live')) return false;
  return event.account === null || identity.account === null || event.account === identity.account;
}

async function decide(
  ports: DoorPorts,
  tx: Statements,
  connector: Connector,
  event: RemoteEvent,
): Promise<Plan> {
  if (!(await concernsUs(tx, connector, event))) return { kind: 'note', result: 'ignored', recordId: null };
  return plan(ports, tx, connector, event);
}

/** An event's row in the inbox. */
export function heard(
  connector: Connector,
  event: RemoteEvent,
  source: 'webhook' | 'poll',
  made: { result: EventResult; recordId: RecordId | null },
): HeardEvent {
  return {
    connection: connector.connection,
    id: event.id,
    type: event.type,
    catalog: event.subject?.catalog ?? null,
    remoteId: event.subject?.remoteId ?? null,
    recordId: made.recordId,
    createdAt: event.createdAt,
    source,
    result: made.result,
  };
}

/**
 * Stores an event and queues its record. Where somebody's open transaction holds the record's queue row nobody waits for it: the
 * hint is owed.
 * @returns false when the event id was stored before; then nothing is queued either
 */
export async function storePassing(
  tx: Statements,
  event: HeardEvent,
  hint: 'webhook' | 'poll' | null,
): Promise<boolean> {
  if (!(await tx.events.storeEvent(event, null))) return false;
  const { catalog, recordId } = event;
  if (hint !== null && catalog !== null && recordId !== null)
    await tx.queue.enqueuePassing(catalog, [recordId], hint);
  return true;
}

/** An event that changes more than its own row and the queue's, or whose record may be held. */
async function takeIn(
  ports: DoorPorts,
  tx: Statements,
  connector: Connector,
  event: RemoteEvent,
  source: 'webhook' | 'poll',
): Promise<EventResult | 'repeated'> {
  const decided = await decide(ports, tx, connector, event);
  const { subject } = event;
  let made = planned(decided);
  let queue = decided.kind === 'queue' || decided.kind === 'overwritten';
  if (decided.kind === 'reserve' && subject !== null) {
    const reserved = await reserve(tx, connector, subject);
    made = reserved;
    queue = reserved.queue;
  }
  if (!(await storePassing(tx, heard(connector, event, source, made), queue ? source : null)))
    return 'repeated';
  if (decided.kind === 'queue' && decided.deleted && decided.linkId !== null) {
    await tx.links.deletedAfterRestore(decided.linkId, event.createdAt);
    await tx.links.proveRemoteDeletion(decided.linkId);
  }
  if (decided.kind === 'overwritten' && subject !== null) {
    const link = { ...decided.link, connection: connector.connection, catalog: subject.catalog };
    await tx.conflicts.recordLost(link, decided.lost);
  }
  return made.result;
}

/** 55P03 lock_not_available (postgresql.org/docs/current/errcodes-appendix.html): somebody else holds the row. */
function metHeldRow(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}

/**
 * Takes one event in.
 *
 * Most events are echoes or plain hints for known records. What is to be done about them is read without a transaction
 * and done in one statement: two round trips instead of six, which under load is what the sender waits for. Everything
 * else is decided again inside a transaction, and so is a polled hint: others wait behind it, so it waits for no record that
 * somebody's open transaction holds.
 * @returns what was made of it, or `repeated` when this event id was stored before
 */
export async function hear(
  ports: DoorPorts,
  connector: Connector,
  event: RemoteEvent,
  source: 'webhook' | 'poll',
): Promise<EventResult | 'repeated'> {
  const decided = await decide(ports, ports.store, connector, event);
  const plain =
    decided.kind === 'note' || (decided.kind === 'queue' && !decided.deleted && source === 'webhook');
  const carefully = () => ports.store.transact((tx) => takeIn(ports, tx, connector, event, source));
  if (!plain) return carefully();
  const made = planned(decided);
  const row = heard(connector, event, source, made);
  try {
    const fresh = await ports.store.events.storeEvent(row, decided.kind === 'queue' ? source : null);
    return fresh ? made.result : 'repeated';
  } catch (error) {
    if (!metHeldRow(error)) throw error;
    return carefully();
  }
}
