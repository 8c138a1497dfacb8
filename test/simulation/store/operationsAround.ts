/** The other half of `operations.ts`: what stands around links and records. */
import { CUSTOMER } from '../../../src/catalogs/customer/customer';
import type { Statements } from '../../../src/store/store';
import type { Sweep, SweepPhase } from '../../../src/store/sweeps';
import {
  CATALOG,
  NAMES,
  OBJECTS,
  RECORDS,
  STORE_OPERATIONS,
  at,
  classes,
  CLASSES,
  linkOf,
  object,
  record,
} from './operations';
import type { Doing, Of, Operation } from './operations';

const NEVER = '00000000-0000-7000-8000-0000000000ff';

function learnSweep<T extends Sweep | null>(d: Doing, sweep: T): T {
  if (sweep === null) return sweep;
  const found = d.m.sweeps.findIndex(({ id }) => id === sweep.id);
  if (found < 0) d.m.sweeps.push(sweep);
  else d.m.sweeps[found] = sweep;
  return sweep;
}

const sweepId = (d: Doing): string => (d.m.sweeps.length === 0 ? NEVER : d.pick(d.m.sweeps).id);
const direction = (d: Doing) => d.pick(['out', 'in'] as const);

const ADOPTION: Of<'adoption'> = {
  reserveAll: (d) => d.s.adoption.reserveAll({ connection: d.pick(NAMES), catalog: CUSTOMER }, OBJECTS),
  adopt: (d) =>
    d.s.adoption.adopt(
      { connection: d.pick(NAMES), catalog: CUSTOMER },
      { remoteId: object(d), recordId: record(d) },
    ),
  makeWay: (d) => d.s.adoption.makeWay({ connection: d.pick(NAMES), catalog: CUSTOMER }, record(d)),
  linkedObjects: (d) => d.s.adoption.linkedObjects({ connection: d.pick(NAMES), catalog: CUSTOMER }, RECORDS),
  async supplant(d) {
    const { id, recordId } = linkOf(d);
    const gone = { linkId: id, recordId, remoteId: object(d), remoteDeleted: true };
    return d.s.adoption.supplant(gone, d.pick([object(d), `new_${d.step}` as typeof gone.remoteId]));
  },
};

const BREAKERS: Of<'breakers'> = {
  open: (d) => d.s.breakers.open(d.pick(NAMES), d.pick(['ETIMEDOUT', null])),
  stillDown: (d) => d.s.breakers.stillDown(d.pick(NAMES), d.pick(['ETIMEDOUT', '503'])),
  close: (d) => d.s.breakers.close(d.pick(NAMES)),
  claimTurn: (d) => d.s.breakers.claimTurn(d.pick(NAMES), 2),
  releaseSome: (d) => d.s.breakers.releaseSome(d.pick(NAMES), 1000),
  countWaiting: async (d) => Object.fromEntries(await d.s.breakers.countWaiting()),
  lockHeld: (d) => d.s.breakers.lockHeld(d.pick([NAMES, [NAMES[0]!]])),
};

const CONNECTIONS: Of<'connections'> = {
  register: (d) => d.s.connections.register(d.pick(NAMES), 'memory'),
  list: (d) => d.s.connections.list(),
  find: (d) => d.s.connections.find(d.pick(NAMES)),
  keepIdentity: (d) =>
    d.s.connections.keepIdentity(d.pick(NAMES), {
      account: d.pick(['acct_1', null, 'acct_2']),
      apiBase: 'https://x.test',
      mode: 'test',
    }),
  pause: (d) =>
    d.s.connections.pause(d.pick(NAMES), {
      code: d.pick(['paused', 'unauthorized'] as const),
      detail: d.pick(['x', null]),
    }),
  resume: (d) => d.s.connections.resume(d.pick(NAMES)),
  endRecovery: (d) => d.s.connections.endRecovery(d.pick(NAMES)),
  noteDegraded: (d) => d.s.connections.noteDegraded(d.pick(NAMES), d.pick(['events', 'account'])),
  noteAble: (d) => d.s.connections.noteAble(d.pick(NAMES), d.pick(['events', 'account'])),
};

const CURSORS: Of<'cursors'> = {
  startCursor: (d) => d.s.cursors.startCursor(d.pick(NAMES), 1_700_000_000 + d.int(5)),
  readCursor: (d) => d.s.cursors.readCursor(d.pick(NAMES)),
  moveCursor: (d) =>
    d.s.cursors.moveCursor(d.pick(NAMES), {
      createdAt: d.pick([null, 1_700_000_003]),
      overlapped: d.int(2) === 0,
    }),
  leasePoll: (d) => d.s.cursors.leasePoll(d.pick(NAMES), d.pick(['A', 'B']), 500),
  releasePoll: (d) => d.s.cursors.releasePoll(d.pick(NAMES), d.pick(['A', 'B'])),
};

const GUARD = { count: 1, percent: 1, windowMs: 2_000 };

const DELETES: Of<'deletes'> = {
  admitDeletion: (d) => {
    const { id, connection } = linkOf(d);
    const deletion = { linkId: id, connection, direction: direction(d), version: d.pick([0, 2, 3]) };
    return d.s.deletes.admitDeletion({ ...deletion, doubtful: d.int(6) === 0 }, d.pick([GUARD, GUARD, null]));
  },
  allowDeletions: (d) => d.s.deletes.allowDeletions(d.pick(NAMES)),
  keepRecord: (d) => d.s.deletes.keepRecord(CATALOG, record(d)),
  listTripped: (d) => d.s.deletes.listTripped(),
};

const ENDPOINTS: Of<'endpoints'> = {
  listEndpoints: (d) => d.s.endpoints.listEndpoints(),
  findEndpoint: (d) => d.s.endpoints.findEndpoint(d.pick(NAMES)),
  secretsOf: (d) => d.s.endpoints.secretsOf(d.pick(NAMES)),
  keepMade: (d) =>
    d.s.endpoints.keepMade(d.pick(NAMES), { url: d.pick(['u', 'v']), endpointId: 'we', secret: 'sec' }),
  noteStanding: (d) => d.s.endpoints.noteStanding(d.pick(NAMES), d.pick(['u', 'v'])),
  noteTrouble: (d) =>
    d.s.endpoints.noteTrouble(d.pick(NAMES), d.pick(['u', 'v']), {
      code: d.pick(['forbidden', 'refused'] as const),
      detail: d.pick(['x', null]),
    }),
  forgetEndpoint: (d) => d.s.endpoints.forgetEndpoint(d.pick(NAMES)),
};

const EVENTS: Of<'events'> = {
  storeEvent(d) {
    const about = d.int(4) > 0;
    const event = {
      connection: d.pick(NAMES),
      id: `evt_${d.int(4)}`,
      type: 'customer.updated',
      catalog: about ? CATALOG : null,
      remoteId: about ? object(d) : null,
      recordId: about ? record(d) : null,
      createdAt: 1700000001,
      source: d.pick(['webhook', 'poll'] as const),
      result: d.pick(['queued', 'echo'] as const),
    };
    return d.s.events.storeEvent(event, about ? d.pick(['webhook', 'operator', null] as const) : null);
  },
  knownEvents: async (d) =>
    [...(await d.s.events.knownEvents(d.pick(NAMES), ['evt_0', 'evt_1', 'evt_2']))].toSorted(),
};

const PACES: Of<'paces'> = {
  prepare: (d) => d.s.paces.prepare(d.pick(NAMES), ['all', 'search']),
  takeSlots: (d) =>
    d.s.paces.takeSlots(d.pick(NAMES), classes(d), {
      wanted: d.pick([1, 5]),
      aheadMs: d.pick([0, 900]),
      burstMs: d.pick([0, 250]),
    }),
  slowDown: (d) => d.s.paces.slowDown(d.pick(NAMES), classes(d), d.pick([null, 700])),
  rateInForce: (d) => d.s.paces.rateInForce(d.pick(NAMES), d.pick(CLASSES)),
};

const SWEEPS: Of<'sweeps'> = {
  async request(d) {
    const { opened, sweep } = await d.s.sweeps.request(
      d.pick(NAMES),
      d.pick(['operator', 'schedule'] as const),
    );
    return { opened, sweep: learnSweep(d, sweep) };
  },
  replace: (d) => d.s.sweeps.replace(d.pick(NAMES), 'gap'),
  requestFirst: (d) => d.s.sweeps.requestFirst(d.pick(NAMES), d.int(2) === 0),
  findOpen: async (d) => learnSweep(d, await d.s.sweeps.findOpen(d.pick(NAMES))),
  findSweep: async (d) => learnSweep(d, await d.s.sweeps.findSweep(sweepId(d))),
  recover: async (d) => (await d.s.sweeps.recover()).map((sweep) => learnSweep(d, sweep)),
  listSweeps: (d) => d.s.sweeps.listSweeps(100),
  claimUnrung: (d) => d.s.sweeps.claimUnrung(d.pick([NAMES, [NAMES[1]!]]), 200),
  async advance(d) {
    if (d.m.sweeps.length === 0) return null;
    const phase: SweepPhase = d.pick(['objects', 'links', 'records']);
    const step = { calls: 1, objects: 2, records: 3, found: 1, known: 1 };
    return d.s.sweeps.advance(d.pick(d.m.sweeps), {
      ...step,
      catalog: CATALOG,
      phase,
      place: d.pick(['p', null]),
    });
  },
  noteWaiting: (d) => d.s.sweeps.noteWaiting(sweepId(d), d.pick(['paused', 'down'])),
  end: (d) => d.s.sweeps.end(sweepId(d)),
};

const SWEEP_READINGS: Of<'sweepReadings'> = {
  async now(d) {
    d.m.readAt = await d.s.sweepReadings.now();
    return null;
  },
  linksOfObjects: (d) => d.s.sweepReadings.linksOfObjects(at(d), OBJECTS, d.m.readAt),
  endedObjects: (d) => d.s.sweepReadings.endedObjects(at(d), OBJECTS, d.m.readAt),
  noteSeen: (d) => d.s.sweepReadings.noteSeen(sweepId(d), [linkOf(d).id]),
  linksAfter: (d) => {
    const place = { sweepId: sweepId(d), connection: d.pick(NAMES), catalog: CUSTOMER };
    return d.s.sweepReadings.linksAfter(place, 0, d.pick([2, 100]));
  },
  recordsAfter: (d) =>
    d.s.sweepReadings.recordsAfter(d.pick(NAMES), CUSTOMER, d.pick([null, RECORDS[0]!]), 100),
};

const SWEEP_FINDINGS: Of<'sweepFindings'> = {
  noteFindings: (d) => {
    const { id, recordId } = linkOf(d);
    const finding = { side: 'here' as const, kind: d.pick(['edited', 'created'] as const) };
    const where = { recordId, linkId: d.pick([id, null]), remoteId: d.pick([object(d), null]) };
    return d.s.sweepFindings.noteFindings(sweepId(d), CATALOG, [
      { ...finding, ...where, fields: d.pick([[], ['name', 'email']]) },
    ]);
  },
  countFindings: (d) => d.s.sweepFindings.countFindings(sweepId(d)),
  listFindings: (d) => d.s.sweepFindings.listFindings(sweepId(d), 100),
};

const EVERY: { readonly [Group in keyof Statements]: Of<Group> } & typeof STORE_OPERATIONS = {
  ...STORE_OPERATIONS,
  adoption: ADOPTION,
  breakers: BREAKERS,
  connections: CONNECTIONS,
  cursors: CURSORS,
  deletes: DELETES,
  endpoints: ENDPOINTS,
  events: EVENTS,
  paces: PACES,
  sweeps: SWEEPS,
  sweepReadings: SWEEP_READINGS,
  sweepFindings: SWEEP_FINDINGS,
};

/** Every function of the store, by group, and what products write. */
export const OPERATIONS: Readonly<Record<string, Readonly<Record<string, Operation>>>> = EVERY;
