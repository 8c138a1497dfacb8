/**
 * What the engine may rely on in Postgres, told as stories. Run on the memory Postgres and on a real one: where they differ, the
 * memory one is wrong, and with it whatever the simulation says.
 */
import { CUSTOMER } from '../../../src/catalogs/customer/customer';
import { parseRecordId, parseRemoteId, trusted } from '../../../src/core/ids';
import type { RecordId } from '../../../src/core/ids';
import { lockEmail, remove, restore, update } from '../../../src/store/customers';
import type { Customer } from '../../../src/store/customers';
import type { Link, LinkPatch } from '../../../src/store/links';
import type { Contender } from './interleaved';
import { CATALOG, NAMES } from './operations';
import { Stage } from './stage';
import type { Session } from './stage';

const [STRIPE, CRM] = NAMES as [(typeof NAMES)[number], (typeof NAMES)[number]];
const ANN = trusted(parseRecordId('00000000-0000-7000-8000-0000000000aa'), 'record id');
const BOB = trusted(parseRecordId('00000000-0000-7000-8000-0000000000bb'), 'record id');
const OBJECT = trusted(parseRemoteId('obj'), 'remote id');
const LEASE = { ms: 1000, maxMs: 3000 };

const put = (who: Session, id: RecordId, name = 'x', email: string | null = null) =>
  restore(who.sql('product.insert'), { id, name, email } as Customer);
const edit = (who: Session, id: RecordId, name: string) => update(who.sql('product.update'), id, { name });
const drop = (who: Session, id: RecordId) => remove(who.sql('product.remove'), id);

async function openLink(who: Session, recordId = ANN): Promise<Link> {
  const owner = { connection: STRIPE, catalog: CATALOG, recordId };
  const { id } = await who.does((s) => s.links.reserveForRecord(owner, 1));
  const look = { catalog: CATALOG, recordId, runId: 'run', hint: 'local', paused: [] };
  const looks = await who.does((s) => s.links.beginLook([id], look));
  return (await who.does((s) => s.links.takeFence(id, looks.get(id)!)))!;
}

export function describeStore(name: string, contender: () => Promise<Contender>): void {
  let stage: Stage;
  let a: Session;
  let b: Session;
  let c: Session;

  beforeEach(async () => {
    stage = new Stage(await contender());
    [a, b, c] = [stage.session(), stage.session(), stage.session()];
    await a.does((s) => s.connections.register(STRIPE, 'memory'));
    await a.does((s) => s.connections.register(CRM, 'memory'));
  });

  const seqOf = async (id: RecordId): Promise<number> =>
    (await c.does((s) => s.queue.readHint(CATALOG, id)))!.seq;

  describe(`${name}: who waits for whom`, () => {
    test('an attempt that waited for the link finds that a newer one has its fence, and writes nothing', async () => {
      const link = await openLink(a);
      a.begin();
      await a.does((s) => s.links.takeFence(link.id, link.lookId));
      const stalled = await b.waits((s) => s.links.writeFenced(link.id, link.fence, { outcome: 'in_sync' }));
      await a.commit();
      expect(await stalled.answer()).toBe(false);
    });

    test('an attempt that waited for a transaction which was rolled back goes on as if nothing was', async () => {
      const link = await openLink(a);
      a.begin();
      await a.does((s) => s.links.takeFence(link.id, link.lookId));
      const stalled = await b.waits((s) => s.links.writeFenced(link.id, link.fence, { outcome: 'in_sync' }));
      await a.rollback();
      expect(await stalled.answer()).toBe(true);
    });

    test('a look that ends while a new hint is written sees the new hint', async () => {
      await a.does(() => put(a, ANN));
      const seq = await seqOf(ANN);
      a.begin();
      await a.does(() => edit(a, ANN, 'y'));
      const ends = await b.waits((s) => s.queue.acknowledge(CATALOG, ANN, seq));
      await a.commit();
      expect(await ends.answer()).toEqual({ kind: 'newer' });
    });

    test.each([
      ['commit', false],
      ['rollback', true],
    ] as const)('an event that another delivery is storing waits for its %s', async (how, stored) => {
      const event = { connection: STRIPE, id: 'evt', type: 't', catalog: CATALOG, remoteId: OBJECT } as const;
      const heard = { ...event, recordId: ANN, createdAt: 1, source: 'webhook', result: 'queued' } as const;
      a.begin();
      expect(await a.does((s) => s.events.storeEvent(heard, 'webhook'))).toBe(true);
      const second = await b.waits((s) => s.events.storeEvent(heard, 'webhook'));
      await a[how]();
      expect(await second.answer()).toBe(stored);
    });

    test('who refers to a link waits for who holds it, and not for who only wrote it', async () => {
      const link = await openLink(a);
      const intent = { linkId: link.id, kind: 'update', values: {}, replaces: {}, version: 1 } as const;
      a.begin();
      await a.does((s) => s.links.lockFenced(link.id, link.fence));
      const refers = await b.waits((s) => s.intents.openIntent({ ...intent, key: 'k1' }));
      await a.commit();
      await refers.answer();
      await b.does((s) => s.intents.endIntent('k1', 'done', null));
      a.begin();
      await a.does((s) => s.links.writeFenced(link.id, link.fence, { outcome: 'in_sync' }));
      await b.does((s) => s.intents.openIntent({ ...intent, key: 'k2' }));
      await a.commit();
    });

    test('several looks hold that a connection is paused; who resumes it waits for all of them', async () => {
      await a.does((s) => s.connections.pause(STRIPE, { code: 'paused', detail: null }));
      a.begin();
      b.begin();
      expect(await a.does((s) => s.breakers.lockHeld([STRIPE]))).toEqual([STRIPE]);
      expect(await b.does((s) => s.breakers.lockHeld([STRIPE]))).toEqual([STRIPE]);
      const resumes = await c.waits((s) => s.connections.resume(STRIPE));
      await a.commit();
      await expect(resumes.answer()).rejects.toThrow('still waits');
      await b.commit();
      expect(await resumes.answer()).toBe(true);
    });

    test('who waits crosswise is found, and one of them fails', async () => {
      await a.does(() => put(a, ANN));
      await a.does(() => put(a, BOB));
      a.begin();
      b.begin();
      await a.does(() => edit(a, ANN, 'a'));
      await b.does(() => edit(b, BOB, 'b'));
      const first = await a.waits(() => edit(a, BOB, 'a'));
      await expect(b.does(() => edit(b, ANN, 'b'))).rejects.toMatchObject({ code: '40P01' });
      expect((await first.answer()).name).toBe('a');
      await a.commit();
      await b.rollback();
    });

    test('after a failed statement a transaction takes nothing but its end, and its COMMIT keeps nothing', async () => {
      a.begin();
      await a.does(() => put(a, ANN));
      await expect(a.does(() => put(a, ANN))).rejects.toMatchObject({ code: '23505', table: 'customers' });
      await expect(a.does((s) => s.connections.list())).rejects.toMatchObject({ code: '25P02' });
      await a.commit();
      expect((await stage.contents()).customers).toEqual([]);
    });

    test('writers of one e-mail take turns, however they spell it', async () => {
      a.begin();
      await a.does(() => lockEmail(a.sql('product.lockEmail'), 'Ann@x.test '));
      const pull = await b.waits((s) => s.records.lockRecognised(CUSTOMER, 'ann@X.test'));
      await a.commit();
      await pull.answer();
    });
  });

  describe(`${name}: the queue`, () => {
    test('a relay passes over rows that another one is claiming', async () => {
      await a.does((s) => s.queue.enqueue(CATALOG, [ANN], 'local'));
      stage.leap(5);
      await a.does((s) => s.queue.enqueue(CATALOG, [BOB], 'local'));
      const limit = { rows: 1, inFlight: 10 };
      a.begin();
      expect(await a.does((s) => s.queue.claimDue(limit, LEASE))).toEqual([
        { catalog: CATALOG, recordId: ANN },
      ]);
      expect(await b.does((s) => s.queue.claimDue(limit, LEASE))).toEqual([
        { catalog: CATALOG, recordId: BOB },
      ]);
      expect(await c.does((s) => s.queue.claimDue(limit, LEASE))).toEqual([]);
      await a.rollback();
    });

    test('what is rung and not answered bounds what is claimed, and a bulk takes up half of it', async () => {
      const ids = ['01', '02', '03', '04', '05', '06'].map((end) =>
        trusted(parseRecordId(`00000000-0000-7000-8000-0000000000${end}`), 'record id'),
      );
      for (const id of ids) {
        await a.does((s) => s.queue.enqueue(CATALOG, [id], 'sweep'));
        stage.leap(1);
      }
      const claimed = await a.does((s) => s.queue.claimDue({ rows: 64, inFlight: 4 }, LEASE));
      expect(claimed.map(({ recordId }) => recordId)).toEqual(ids.slice(0, 2));
      await a.does((s) => s.queue.enqueue(CATALOG, [ids[5]!], 'local'));
      const live = await a.does((s) => s.queue.claimDue({ rows: 64, inFlight: 4 }, LEASE));
      expect(live.map(({ recordId }) => recordId)).toEqual([ids[5]]);
    });

    test('of what comes one by one, so many wait live: births, then edits of known records, and what an operator asks for', async () => {
      const ids = Array.from({ length: 36 }, (_, i) =>
        trusted(parseRecordId(`00000000-0000-7000-8000-0000000001${10 + i}`), 'record id'),
      );
      const bulk = async () => {
        const rows = (await stage.contents()).work_queue.filter((row) => row['bulk'] === true);
        return rows.map((row) => row['record_id']).toSorted();
      };
      const link = await openLink(a);
      await a.does((s) => s.links.writeFenced(link.id, link.fence, { state: 'linked', remoteId: OBJECT }));
      for (const [i, id] of ids.slice(0, 18).entries())
        await a.does((s) => s.queue.enqueue(CATALOG, [id], i % 2 === 0 ? 'webhook' : 'poll'));
      expect(await bulk()).toEqual(ids.slice(16, 18));
      await a.does((s) => s.queue.enqueue(CATALOG, [ANN], 'poll'));
      await a.does((s) => s.queue.enqueue(CATALOG, [ids[16]!], 'pull'));
      await a.does((s) => s.queue.enqueue(CATALOG, [ids[17]!], 'operator'));
      for (const id of ids.slice(18)) await a.does((s) => s.queue.enqueue(CATALOG, [id], 'local'));
      expect(await bulk()).toEqual([ids[16], ids[34], ids[35]]);
    });

    test('a hint for many passes over a row that somebody holds, and is given when it is free', async () => {
      await a.does(() => put(a, ANN));
      const seq = await seqOf(ANN);
      a.begin();
      await a.does(() => edit(a, ANN, 'y'));
      expect(await b.does((s) => s.queue.enqueuePassing(CATALOG, [ANN, BOB], 'sweep'))).toEqual([BOB]);
      await a.rollback();
      expect(await seqOf(ANN)).toBe(seq);
      await b.does((s) => s.queue.placeOwed());
      expect(await seqOf(ANN)).toBeGreaterThan(seq);
    });

    test('what waits longest for a connection is released first, as many as are asked for', async () => {
      for (const id of [ANN, BOB]) {
        await a.does((s) => s.queue.enqueue(CATALOG, [id], 'local'));
        const seq = await seqOf(id);
        const wait = { on: [STRIPE], ms: 100_000, putAway: true };
        await a.does((s) => s.queue.postpone(CATALOG, id, seq, wait));
        stage.leap(10);
      }
      expect(await a.does((s) => s.breakers.releaseSome(STRIPE, 1))).toBe(1);
      expect(Object.fromEntries(await a.does((s) => s.breakers.countWaiting()))).toEqual({ stripe: 1 });
      const rows = (await stage.contents()).work_queue;
      expect(rows.find((row) => row['record_id'] === ANN)).toMatchObject({ waiting_on: [], bulk: true });
    });
  });

  describe(`${name}: triggers`, () => {
    test('a version goes on over deletion and restore', async () => {
      await a.does(() => put(a, ANN, 'Ann'));
      await a.does(() => edit(a, ANN, 'Anna'));
      await a.does(() => edit(a, ANN, 'Anna'));
      await a.does(() => drop(a, ANN));
      expect(await a.does((s) => s.records.readRecord(CUSTOMER, ANN))).toEqual({
        kind: 'tombstone',
        fields: { name: 'Anna', email: null },
        version: 3,
      });
      expect((await a.does(() => put(a, ANN, 'Ann'))).version).toBe(4);
      const { tombstones, timeline } = await stage.contents();
      expect(tombstones).toEqual([]);
      const changes = timeline.filter((row) => row['kind'] === 'change');
      expect(changes.map((row) => (row['detail'] as { does: string }).does).toSorted()).toEqual([
        'create',
        'delete',
        'edit',
        'restore',
      ]);
    });

    test('a restore that meets the deletion while it is made is refused, and may be repeated', async () => {
      await a.does(() => put(a, ANN));
      a.begin();
      await a.does(() => drop(a, ANN));
      const back = await b.waits(() => put(b, ANN));
      await a.commit();
      await expect(back.answer()).rejects.toMatchObject({ code: '40001' });
      expect((await b.does(() => put(b, ANN))).version).toBe(3);
    });

    test('a restore takes the fence from an attempt that may have read an object, and from no other', async () => {
      const { id, fence } = await openLink(a);
      const writes = (patch: LinkPatch) => a.does((s) => s.links.writeFenced(id, fence, patch));
      const comesBack = () => a.does(() => drop(a, ANN)).then(() => a.does(() => put(a, ANN)));
      await a.does(() => put(a, ANN));
      await comesBack();
      expect(await writes({ state: 'linked', remoteId: OBJECT })).toBe(true);
      await comesBack();
      expect(await writes({ outcome: 'in_sync' })).toBe(false);
      expect((await stage.contents()).links).toMatchObject([{ state: 'deleting', outcome: 'pending' }]);
    });

    test('what the sync writes through a link asks for no look, and the timeline names link and run', async () => {
      const link = await openLink(a);
      a.begin();
      await a.does((s) => s.links.lockFenced(link.id, link.fence));
      await a.does((s) => s.records.insertPulled(CUSTOMER, ANN, { name: 'Ann', email: null }));
      await a.commit();
      expect(await a.does((s) => s.queue.readHint(CATALOG, ANN))).toBeNull();
      const { timeline } = await stage.contents();
      expect(timeline.find((row) => row['kind'] === 'change')).toMatchObject({
        connection: STRIPE,
        link_id: link.id,
        run_id: 'run',
      });
      await a.does(() => edit(a, ANN, 'x'));
      expect(await a.does((s) => s.queue.readHint(CATALOG, ANN))).toMatchObject({ hint: 'local' });
    });

    test('nothing of a transaction that was rolled back is left', async () => {
      const before = await stage.contents();
      a.begin();
      await a.does(() => put(a, ANN));
      await openLink(a, BOB);
      await a.does(() => drop(a, ANN));
      await a.rollback();
      expect(await stage.contents()).toEqual(before);
    });

    test('a link that is let go takes its intents with it; two open intents are refused by name', async () => {
      const remote = { connection: STRIPE, catalog: CATALOG, remoteId: OBJECT, deleted: false };
      const { id } = await a.does((s) => s.links.reserveForRemote(remote));
      const intent = { linkId: id, kind: 'create', values: {}, replaces: {}, version: 1 } as const;
      await a.does((s) => s.intents.openIntent({ ...intent, key: 'k1' }));
      await expect(a.does((s) => s.intents.openIntent({ ...intent, key: 'k2' }))).rejects.toMatchObject({
        code: '23505',
        table: 'intents',
        constraint: 'intents_open',
      });
      expect(await a.does((s) => s.links.releaseReservation(STRIPE, CATALOG, OBJECT))).toBe(true);
      expect((await stage.contents()).intents).toEqual([]);
    });
  });
}
