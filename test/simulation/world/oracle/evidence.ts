/** What a run left behind, put in order once for all checks: by record, by object, by key. */
import { markName } from '../../../../src/connectors/connector';
import type { MemoryObject } from '../../../../src/connectors/memory';
import type { Base, Fields, FieldValue } from '../../../../src/core/fields';
import type { RecordId, RemoteId } from '../../../../src/core/ids';
import type { Outcome } from '../../engine/outcome';
import type { Effect } from '../ledger';
import type { PlannedConnection, Where } from '../plan';
import { FIELDS, isBlank } from './sameness';

/** What the checks read of an outcome. */
export type Facts = Omit<Outcome, 'remotes' | 'hash' | 'violations' | 'tally'> & {
  readonly tally: Pick<Outcome['tally'], 'crashes'>;
  readonly remotes: Pick<Outcome['remotes'], 'systems' | 'copied'>;
};

export interface LinkSeen {
  readonly id: number;
  readonly connection: Where;
  readonly record: RecordId;
  readonly generation: number;
  readonly remoteId: RemoteId | null;
  readonly state: string;
  readonly outcome: string;
  readonly reason: {
    readonly code: string;
    readonly field: string | null;
    readonly detail: string | null;
  } | null;
  readonly base: Base;
  readonly detached: boolean;
}

export interface Entry {
  readonly seq: number;
  /** By Postgres's clock, Unix milliseconds. */
  readonly at_ms: number;
  readonly kind: string;
  readonly connection: string | null;
  readonly linkId: number | null;
  readonly version: number | null;
  readonly changes: Readonly<Record<string, readonly [FieldValue, FieldValue]>>;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface Lost {
  readonly field: string;
  readonly ours: FieldValue;
  readonly theirs: FieldValue;
  readonly winner: string;
  readonly cause: string;
  readonly resolved: boolean;
}

/** All that is known of one record. */
export interface RecordSeen {
  readonly id: RecordId;
  row: Fields | null;
  version: number | null;
  tombstone: Fields | null;
  readonly links: LinkSeen[];
  /** The timeline, oldest first. */
  readonly entries: Entry[];
  readonly lost: Lost[];
  queued: boolean;
}

export interface IntentSeen {
  readonly key: string;
  readonly linkId: number;
  readonly kind: string;
  readonly ending: string | null;
  /** How often it says that it was sent. */
  readonly sends: number;
}

export interface Evidence extends Facts {
  readonly records: ReadonlyMap<RecordId, RecordSeen>;
  readonly planned: ReadonlyMap<Where, PlannedConnection>;
  readonly links: readonly LinkSeen[];
  readonly intents: ReadonlyMap<string, IntentSeen>;
  /** Living objects. */
  readonly living: ReadonlyMap<Where, ReadonlyMap<RemoteId, MemoryObject>>;
  readonly effects: readonly Effect[];
  /** What took effect at one object, in order. */
  effectsOf(connection: Where, remoteId: RemoteId): readonly Effect[];
  /** Objects that ever stood for a record at a connection. */
  objectsOf(record: RecordSeen, connection: Where): readonly RemoteId[];
  /** The record an object's mark names, unless somebody copied the mark to it. */
  ownerByMark(object: MemoryObject): RecordId | null;
}

type Row = Readonly<Record<string, unknown>>;

function linkSeen(row: Row): LinkSeen {
  return {
    id: row['id'] as number,
    connection: row['connection'] as Where,
    record: row['record_id'] as RecordId,
    generation: row['generation'] as number,
    remoteId: row['remote_id'] as RemoteId | null,
    state: row['state'] as string,
    outcome: row['outcome'] as string,
    reason: row['reason'] as LinkSeen['reason'],
    base: row['base'] as Base,
    detached: row['detached'] as boolean,
  };
}

function entrySeen(row: Row): Entry {
  return {
    seq: row['seq'] as number,
    at_ms: row['at'] as number,
    kind: row['kind'] as string,
    connection: row['connection'] as string | null,
    linkId: row['link_id'] as number | null,
    version: row['version'] as number | null,
    changes: row['changes'] as Entry['changes'],
    detail: row['detail'] as Entry['detail'],
  };
}

function lostSeen(row: Row): Lost {
  return {
    field: row['field'] as string,
    ours: row['ours'] as FieldValue,
    theirs: row['theirs'] as FieldValue,
    winner: row['winner'] as string,
    cause: row['cause'] as string,
    resolved: row['resolved_at'] !== null,
  };
}

function recordsOf({ contents }: Facts): Map<RecordId, RecordSeen> {
  const records = new Map<RecordId, RecordSeen>();
  const of = (name: unknown): RecordSeen => {
    const id = name as RecordId;
    const known = records.get(id);
    if (known !== undefined) return known;
    const made: RecordSeen = {
      id,
      row: null,
      version: null,
      tombstone: null,
      links: [],
      entries: [],
      lost: [],
      queued: false,
    };
    records.set(id, made);
    return made;
  };
  for (const row of contents.customers) {
    const record = of(row['id']);
    record.row = Object.fromEntries(FIELDS.map((field) => [field, (row[field] ?? null) as FieldValue]));
    record.version = row['version'] as number;
  }
  for (const row of contents.tombstones) {
    const record = of(row['record_id']);
    record.tombstone = row['fields'] as Fields;
    record.version ??= row['version'] as number;
  }
  for (const row of contents.links) of(row['record_id']).links.push(linkSeen(row));
  for (const row of contents.timeline) of(row['record_id']).entries.push(entrySeen(row));
  for (const row of contents.conflicts) of(row['record_id']).lost.push(lostSeen(row));
  for (const row of contents.work_queue) of(row['record_id']).queued = true;
  for (const record of records.values()) record.entries.sort((a, b) => a.seq - b.seq);
  return records;
}

function intentsOf({ contents }: Facts): Map<string, IntentSeen> {
  return new Map(
    contents.intents.map((row) => {
      const key = row['key'] as string;
      const ending = row['ending'] as string | null;
      const sends = row['sends'] as number;
      return [key, { key, linkId: row['link_id'] as number, kind: row['kind'] as string, ending, sends }];
    }),
  );
}

const NONE: readonly Effect[] = [];

export function evidenceOf(facts: Facts): Evidence {
  const { plan, remotes, ledger, installation } = facts;
  const records = recordsOf(facts);
  const mark = markName(installation);
  const byObject = new Map<string, Effect[]>();
  const made = new Map<string, RemoteId[]>();
  for (const effect of ledger.effects) {
    if (!effect.applied || effect.remoteId === null) continue;
    const name = `${effect.connection} ${effect.remoteId}`;
    const known = byObject.get(name);
    if (known === undefined) byObject.set(name, [effect]);
    else known.push(effect);
    if (effect.does !== 'create' || effect.recordId === null) continue;
    const owner = `${effect.connection} ${effect.recordId}`;
    made.set(owner, [...(made.get(owner) ?? []), effect.remoteId]);
  }
  return {
    ...facts,
    records,
    planned: new Map(plan.connections.map((planned) => [planned.name, planned])),
    links: [...records.values()].flatMap(({ links }) => links),
    intents: intentsOf(facts),
    living: new Map(remotes.systems.map((system) => [system.name as Where, new Map(system.living())])),
    effects: ledger.effects,
    effectsOf: (connection, remoteId) => byObject.get(`${connection} ${remoteId}`) ?? NONE,
    objectsOf(record, connection) {
      const linked = record.links.flatMap((link) =>
        link.connection === connection && link.remoteId !== null ? [link.remoteId] : [],
      );
      return [...new Set([...linked, ...(made.get(`${connection} ${record.id}`) ?? [])])];
    },
    ownerByMark: (object) =>
      remotes.copied.has(object.id) ? null : ((object.marks[mark] as RecordId | undefined) ?? null),
  };
}

/** One check: everything that is not as it must be, in words. */
export type Check = (evidence: Evidence) => string[];

/** The link that stands for a record at a connection now: the one that is not over, else the newest. */
export function linkAt(record: RecordSeen, connection: Where): LinkSeen | null {
  const links = record.links.filter((link) => link.connection === connection);
  const isOver = ({ state }: LinkSeen): boolean => state === 'retired' || state === 'void';
  return (
    links.find((link) => !isOver(link)) ?? links.toSorted((a, b) => b.generation - a.generation)[0] ?? null
  );
}

/**
 * The window that docs/RECONCILE.md names for a traced create: at a server without an event list, a value of ours that somebody
 * emptied before we first saw the object counts as dropped.
 */
export function isEmptiedUnseen(
  evidence: Evidence,
  { connection, remoteId }: { readonly connection: Where; readonly remoteId: RemoteId | null },
  field: string,
): boolean {
  if (remoteId === null || evidence.planned.get(connection)?.hasEventList !== false) return false;
  const effects = evidence.effectsOf(connection, remoteId);
  const seen = evidence.ledger.sights.find(
    (sight) => sight.connection === connection && sight.remoteId === remoteId,
  );
  const emptied = effects.find(
    ({ by, before, after }) =>
      by === 'people' && after !== null && !isBlank(field, before?.[field]) && isBlank(field, after[field]),
  );
  if (effects[0]?.by !== 'us' || emptied === undefined) return false;
  return seen === undefined || emptied.step <= seen.step;
}
