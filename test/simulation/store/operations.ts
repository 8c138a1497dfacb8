/** What a session of the differential test may do: every function of the store, with arguments that meet each other. */
import { CUSTOMER } from '../../../src/catalogs/customer/customer';
import {
  parseCatalogName,
  parseConnectionName,
  parseRecordId,
  parseRemoteId,
  trusted,
} from '../../../src/core/ids';
import type { ConnectionName, RecordId, RemoteId } from '../../../src/core/ids';
import type { Reason } from '../../../src/core/reason';
import { lockEmail, lockLive, remove, restore, update } from '../../../src/store/customers';
import type { Customer } from '../../../src/store/customers';
import type { Sql } from '../../../src/store/database';
import type { Statements } from '../../../src/store/store';
import type { Sweep } from '../../../src/store/sweeps';

export const CATALOG = trusted(parseCatalogName('customer'), 'catalog name');
export const NAMES = ['stripe', 'crm'].map((name) => trusted(parseConnectionName(name), 'connection name'));
const RECORDS = [0, 1, 2].map((n) =>
  trusted(parseRecordId(`00000000-0000-7000-8000-00000000000${n}`), 'record id'),
);
const OBJECTS = ['obj_a', 'obj_b', 'obj_c'].map((id) => trusted(parseRemoteId(id), 'remote id'));
const EMAILS = ['ann@x.test', ' Ann@X.test', 'bob@x.test', null] as const;
const PEOPLE = ['Ann', 'Bob', null] as const;

interface KnownLink {
  readonly id: number;
  readonly recordId: RecordId;
  readonly connection: ConnectionName;
  lookId: number;
  fence: number;
}

/** What earlier answers told: ids are random, and each Postgres gives its own. */
export interface Memo {
  readonly links: KnownLink[];
  readonly sweeps: Sweep[];
  readonly keys: string[];
  readonly seqs: Map<string, number>;
  readAt: string;
}

export const emptyMemo = (): Memo => ({
  links: [],
  sweeps: [],
  keys: [],
  seqs: new Map(),
  readAt: '2020-01-01 00:00:00+00',
});

export interface Doing {
  readonly s: Statements;
  readonly sql: (label: string) => Sql;
  readonly m: Memo;
  pick<T>(list: readonly T[]): T;
  /** 0 to `below` - 1 */
  int(below: number): number;
  /** Other than between runs, so that keys do not repeat. */
  readonly step: number;
}

type Link = Awaited<ReturnType<Statements['links']['newestOfRecord']>>[number];

function learn<T extends Link | null>({ m }: Doing, link: T): T {
  if (link === null) return link;
  const known = m.links.find(({ id }) => id === link.id);
  const { id, recordId, connection, lookId, fence } = link;
  if (known === undefined) m.links.push({ id, recordId, connection, lookId, fence });
  else Object.assign(known, { lookId, fence });
  return link;
}

const NOWHERE: KnownLink = { id: 999, recordId: RECORDS[0]!, connection: NAMES[0]!, lookId: 1, fence: 1 };
const linkOf = (d: Doing): KnownLink => (d.m.links.length === 0 ? NOWHERE : d.pick(d.m.links));
const at = (d: Doing) => ({ connection: d.pick(NAMES), catalog: CATALOG });
const record = (d: Doing): RecordId => d.pick([...RECORDS, ...d.m.links.map((link) => link.recordId)]);
const object = (d: Doing): RemoteId => d.pick(OBJECTS);
const fields = (d: Doing) => ({ name: d.pick(PEOPLE), email: d.pick(EMAILS) });
const one = (d: Doing) =>
  d.pick([{ name: d.pick(PEOPLE) }, { email: d.pick(EMAILS) }, { name: 'Ann', email: 'ann@x.test' }]);
const keyOf = (d: Doing): string => (d.m.keys.length === 0 ? 'none' : d.pick(d.m.keys));
const seqOf = (d: Doing, id: RecordId): number => d.m.seqs.get(id) ?? 0;
const reason = (d: Doing): Reason => ({
  code: d.pick(['conflict', 'rejected', 'delete_burst'] as const),
  field: d.pick(['name', null]),
  detail: d.pick(['out', 'in']),
});
const CLASSES = [
  { name: 'all', perSecond: 3 },
  { name: 'search', perSecond: 7 },
];
const classes = (d: Doing) => d.pick([CLASSES, [CLASSES[0]!], CLASSES.toReversed()]);

type Operation = (d: Doing) => Promise<unknown>;
/** Each function of a group: one that is new has no operation yet, and does not compile. */
type Of<Group extends keyof Statements> = Readonly<Record<keyof Statements[Group], Operation>>;

const LINKS: Of<'links'> = {
  newestOfRecord: async (d) =>
    (await d.s.links.newestOfRecord(CATALOG, record(d))).map((link) => learn(d, link)),
  async beginLook(d) {
    const links = [linkOf(d)];
    const look = { catalog: CATALOG, recordId: record(d), runId: d.pick(['run', null]), hint: 'local' };
    const paused = d.pick([[], [NAMES[0]!]]);
    const ids = links.map(({ id }) => id);
    const looks = await d.s.links.beginLook(ids, { ...look, paused });
    for (const link of links) link.lookId = looks.get(link.id) ?? link.lookId;
    return [...looks].length;
  },
  async takeFence(d) {
    const link = linkOf(d);
    return learn(d, await d.s.links.takeFence(link.id, link.lookId));
  },
  lockFenced: (d) => {
    const { id, fence } = linkOf(d);
    return d.s.links.lockFenced(id, fence);
  },
  reserveForRecord: async (d) =>
    learn(d, await d.s.links.reserveForRecord({ ...at(d), recordId: record(d) }, d.pick([1, 1, 2, 3]))),
  reattach: (d) => d.s.links.reattach(linkOf(d).id),
  reserveForRemote: async (d) =>
    learn(d, await d.s.links.reserveForRemote({ ...at(d), remoteId: object(d), deleted: d.int(5) === 0 })),
  async findByRemote(d) {
    const { connection, catalog } = at(d);
    return learn(d, await d.s.links.findByRemote(connection, catalog, object(d)));
  },
  otherRemoteIds: (d) => d.s.links.otherRemoteIds({ ...linkOf(d), catalog: CATALOG }),
  proveRemoteDeletion: (d) => d.s.links.proveRemoteDeletion(linkOf(d).id),
  standsAgain: (d) => d.s.links.standsAgain(linkOf(d).id, reason(d)),
  deletedAfterRestore: (d) =>
    d.s.links.deletedAfterRestore(linkOf(d).id, d.pick([1_700_000_000, 1_800_000_000])),
  moveToRecord: (d) => d.s.links.moveToRecord(linkOf(d).id, record(d)),
  moveToNewRecord: (d) => d.s.links.moveToNewRecord(linkOf(d).id),
  releaseReservation: (d) => d.s.links.releaseReservation(d.pick(NAMES), CATALOG, object(d)),
  writeFenced(d) {
    const { id, fence } = linkOf(d);
    const all = {
      state: d.pick(['linked', 'linked', 'deleting', 'retired'] as const),
      remoteId: object(d),
      base: d.pick([{}, { name: { ours: 'Ann', theirs: 'Bob', pulled: true as const } }]),
      swings: { name: { last: 'out' as const, turns: [1] } },
      refused: d.pick([null, { kind: 'update' as const, version: 1, replaces: {}, reason: reason(d) }]),
      agreedVersion: d.int(4),
      outcome: d.pick(['in_sync', 'parked', 'waiting'] as const),
      reason: d.pick([null, reason(d)]),
      decision: { what: d.pick(['push', 'pull']), requestId: d.pick(['req', null]) },
      detached: d.int(2) === 0,
      possibleDuplicate: d.int(2) === 0,
      remoteDeleted: true as const,
      synced: true as const,
      waits: d.int(3),
    };
    const names = Object.keys(all).filter(() => d.int(3) === 0);
    if (names.length === 0) names.push('outcome');
    return d.s.links.writeFenced(
      id,
      fence,
      Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name))),
    );
  },
  markUnfinished(d) {
    const { id, lookId } = linkOf(d);
    return d.s.links.markUnfinished(id, lookId, {
      outcome: d.pick(['waiting', 'parked']),
      reason: reason(d),
    });
  },
};

const INTENTS: Of<'intents'> = {
  async openIntent(d) {
    const key = `key ${d.step}`;
    d.m.keys.push(key);
    await d.s.intents.openIntent({
      key,
      linkId: linkOf(d).id,
      kind: d.pick(['create', 'update', 'delete'] as const),
      values: d.pick([
        {},
        {
          name: 'Ann',
          email: null,
        },
      ]),
      replaces: { name: 'x' },
      version: 2,
    });
  },
  findOpen: (d) => d.s.intents.findOpen(linkOf(d).id),
  markSent: (d) => d.s.intents.markSent(keyOf(d), linkOf(d).fence),
  noteUnbegun: (d) => d.s.intents.noteUnbegun(keyOf(d), linkOf(d).fence),
  noteAbsence: (d) => d.s.intents.noteAbsence(keyOf(d), linkOf(d).fence),
  noteTracePlace: (d) => d.s.intents.noteTracePlace(keyOf(d), linkOf(d).fence, `place ${d.step}`),
  noteReplaces: (d) => d.s.intents.noteReplaces(keyOf(d), { email: 'y' }),
  endIntent: (d) => d.s.intents.endIntent(keyOf(d), 'done', d.pick(['req', null])),
  supersede: (d) => d.s.intents.supersede(keyOf(d), linkOf(d).fence),
  lastDeletion: (d) => d.s.intents.lastDeletion(linkOf(d).id),
  findByKey: (d) => d.s.intents.findByKey(keyOf(d)),
  hasOpenCreate: (d) => d.s.intents.hasOpenCreate(d.pick(NAMES), CATALOG, record(d)),
};

const CONFLICTS: Of<'conflicts'> = {
  recordLost: (d) => {
    const link = { ...linkOf(d), catalog: CATALOG };
    const lost = {
      // one field, so that it is one row: in which order several are locked is Postgres's choice
      field: 'name',
      ours: d.pick(['Ann', null]),
      theirs: 'Bob',
      winner: d.pick(['ask', 'local'] as const),
      cause: d.pick(['both_edited', 'overwritten_unseen'] as const),
    };
    return d.s.conflicts.recordLost(link, [lost]);
  },
  closeQuestions: (d) => d.s.conflicts.closeQuestions(linkOf(d).id, d.pick([[], ['name']])),
};

const RECORD: Of<'records'> = {
  readRecord: (d) => d.s.records.readRecord(CUSTOMER, record(d)),
  lockRecord: (d) => d.s.records.lockRecord(CUSTOMER, record(d)),
  restoredSince: (d) =>
    d.s.records.restoredSince(CUSTOMER, record(d), d.pick([0, 1, 2, 3]), {
      connection: at(d).connection,
      remoteId: object(d),
    }),
  insertPulled: (d) => d.s.records.insertPulled(CUSTOMER, record(d), fields(d)),
  updatePulled: (d) => d.s.records.updatePulled(CUSTOMER, record(d), one(d)),
  deletePulled: (d) => d.s.records.deletePulled(CUSTOMER, record(d)),
  lockRecognised: (d) => d.s.records.lockRecognised(CUSTOMER, d.pick(EMAILS)),
  stoodBeforeMeeting: (d) => d.s.records.stoodBeforeMeeting(CUSTOMER, d.pick(NAMES), record(d)),
  findRecognised: (d) => d.s.records.findRecognised(CUSTOMER, d.pick(NAMES), d.pick(EMAILS)),
};

const PRODUCT: Record<string, Operation> = {
  insert: (d) => restore(d.sql('product.insert'), { id: record(d), ...fields(d) } as Customer),
  update: (d) => update(d.sql('product.update'), record(d), one(d)),
  remove: (d) => remove(d.sql('product.remove'), record(d)),
  lockLive: (d) => lockLive(d.sql('product.lockLive'), record(d)),
  lockEmail: (d) => lockEmail(d.sql('product.lockEmail'), d.pick(['ann@x.test', 'ANN@x.test', 'bob@x.test'])),
};

const HINTS = ['local', 'webhook', 'sweep', 'operator', 'recovered'] as const;

const QUEUE: Of<'queue'> = {
  enqueue: (d) => d.s.queue.enqueue(CATALOG, d.pick([RECORDS, [record(d)]]), d.pick(HINTS)),
  enqueuePassing: (d) => d.s.queue.enqueuePassing(CATALOG, RECORDS, d.pick(HINTS)),
  placeOwed: (d) => d.s.queue.placeOwed(),
  // all that is due: which of several that are due since the same moment come first is Postgres's choice
  claimDue: (d) =>
    d.s.queue.claimDue({ rows: 64, inFlight: 1000 }, { ms: d.pick([1000, 2000]), maxMs: 3000 }),
  unclaim: (d) => d.s.queue.unclaim([{ catalog: CATALOG, recordId: record(d) }], 200),
  msUntilDue: (d) => d.s.queue.msUntilDue(),
  countBulk: (d) => d.s.queue.countBulk(d.pick([1, 100])),
  async readHint(d) {
    const id = record(d);
    const hint = await d.s.queue.readHint(CATALOG, id);
    if (hint !== null) d.m.seqs.set(id, hint.seq);
    return hint;
  },
  holdHint(d) {
    const id = record(d);
    return d.s.queue.holdHint(CATALOG, id, seqOf(d, id));
  },
  noteRestless(d) {
    const id = record(d);
    return d.s.queue.noteRestless(CATALOG, id, seqOf(d, id));
  },
  acknowledge(d) {
    const id = record(d);
    return d.s.queue.acknowledge(CATALOG, id, seqOf(d, id));
  },
  postpone(d) {
    const id = record(d);
    const wait = { on: d.pick([NAMES, [NAMES[0]!]]), ms: d.pick([1000, 100_000]), putAway: d.int(2) === 0 };
    return d.s.queue.postpone(CATALOG, id, seqOf(d, id), wait);
  },
  holdFor: (d) => d.s.queue.holdFor(CATALOG, RECORDS, { on: d.pick(NAMES), ms: 100_000 }),
  releaseWaiting: (d) => d.s.queue.releaseWaiting(d.pick(NAMES)),
};

export const STORE_OPERATIONS = {
  links: LINKS,
  intents: INTENTS,
  conflicts: CONFLICTS,
  records: RECORD,
  product: PRODUCT,
  queue: QUEUE,
};

export { CLASSES, OBJECTS, RECORDS, at, classes, learn, linkOf, object, record, reason };
export type { Of, Operation };
