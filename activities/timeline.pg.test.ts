/** What a person reads of a record after each story. That it replays to what stands (I18) is checked after every test here. */
import { doerOf, wordsOf } from '../src/api/timeline/words';
import { failureOf } from '../src/connectors/memory';
import type { RecordId, RemoteId } from '../src/core/ids';
import { timelineOf } from '../src/store/replay-for-tests';
import { CRM, CUSTOMER, desks, freshMail, newSystem, RUN, STRIPE } from './desk-for-tests';
import type { Desk } from './desk-for-tests';

const openDesk = desks();
const fields = () => ({ name: 'Ann', email: freshMail() });
const entriesOf = (desk: Desk, id: RecordId) => timelineOf(desk.database, id);

const COMPARED = 'counterpart: both stand: compared field by field with what was agreed';
const AFTER_A_CHANGE = 'counterpart: a look begins, because of a change here';
const AFTER_AN_EVENT = 'counterpart: a look begins, because of a polled event';

/** Whose doing, and what, oldest first; ids that differ each time are left out. */
async function told(desk: Desk, id: RecordId, since = 0): Promise<string[]> {
  const entries = (await entriesOf(desk, id)).slice(since);
  return entries.map(
    (entry) => `${doerOf(entry)}: ${wordsOf(entry).replaceAll(/stripe_[0-9a-f-]{36}/g, '…')}`,
  );
}

/** What is told of what `work` brings about. */
async function during(desk: Desk, id: RecordId, work: () => Promise<unknown>): Promise<string[]> {
  const { length } = await entriesOf(desk, id);
  await work();
  return told(desk, id, length);
}

async function recordOf(desk: Desk, remoteId: RemoteId): Promise<RecordId> {
  return (await desk.store.links.findByRemote(STRIPE, CUSTOMER, remoteId))!.recordId;
}

describe('I18: in plain words', () => {
  test('born here, and its echo', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced(fields());
    await desk.hear(desk.system);
    expect(await told(desk, id)).toEqual([
      'product: created (version 1)',
      'counterpart: a link is made',
      AFTER_A_CHANGE,
      'counterpart: born here: it is created there',
      'counterpart: about to create it: name, email (version 1)',
      'counterpart: create is sent',
      'stripe: create is done',
      'counterpart: linked (…); remembered as agreed: name, email; in sync',
      'stripe: customer.created (…) by poll: our own write coming back, nothing to do',
    ]);
  });

  test('born there', async () => {
    const desk = await openDesk();
    const remoteId = desk.system.plant(fields());
    await desk.hear(desk.system);
    const id = await recordOf(desk, remoteId);
    await desk.settle(id);
    expect(await told(desk, id)).toEqual([
      'counterpart: this id is reserved for an object there (…)',
      'stripe: customer.created (…) by poll: to be looked at',
      AFTER_AN_EVENT,
      'stripe: became a record here, as it was born there (version 1)',
      'counterpart: born there: it becomes a record here; linked; remembered as agreed: name, email; in sync',
    ]);
  });

  test('edited here, then there', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.hear(desk.system);
    const here = await during(desk, id, async () => {
      await desk.update(id, { name: 'Anna' });
      await desk.settle(id);
    });
    expect(here).toEqual([
      'product: edited name (version 2)',
      AFTER_A_CHANGE,
      `${COMPARED}; to send: name`,
      'counterpart: about to send: name (version 2)',
      'counterpart: update is sent',
      'stripe: update is done',
      'counterpart: remembered as agreed: name; in sync',
    ]);
    const there = await during(desk, id, async () => {
      desk.system.edit(remoteId, { name: 'Anne' });
      await desk.hear(desk.system);
      await desk.settle(id);
    });
    expect(there).toEqual([
      'stripe: customer.updated (…) by poll: our own write coming back, nothing to do',
      'stripe: customer.updated (…) by poll: to be looked at',
      AFTER_AN_EVENT,
      'stripe: changed there and taken over: name (version 3)',
      `${COMPARED}; to take over: name; remembered as agreed: name`,
    ]);
  });

  test('failure 27: the same field on both sides, by policy and by question', async () => {
    const [ours, asked] = [await openDesk(), await openDesk({ onConflict: 'ask' })];
    const stories = [];
    for (const desk of [ours, asked]) {
      const { id, remoteId } = await desk.synced(fields());
      stories.push(
        await during(desk, id, async () => {
          await desk.update(id, { name: 'Anna' });
          desk.system.edit(remoteId, { name: 'Anne' });
          await desk.settle(id);
          await desk.update(id, { name: 'Anne' });
          await desk.settle(id);
        }),
      );
    }
    expect(stories[0]!.slice(2, 5)).toEqual([
      'counterpart: name: both sides changed it differently; ours stays, theirs is kept as lost',
      `${COMPARED}; to send: name; remembered as agreed: name`,
      'counterpart: about to send: name (version 2)',
    ]);
    expect(stories[1]!.slice(2)).toEqual([
      'counterpart: name: both sides changed it differently; a person is asked',
      `${COMPARED}; to be asked about: name; parked, conflict: Both sides changed this field differently and the policy is to ask. (field name)`,
      'product: edited name (version 3)',
      AFTER_A_CHANGE,
      'counterpart: name: the question answered itself, both sides are alike',
      'counterpart: both sides were compared: nothing to write; remembered as agreed: name; in sync',
    ]);
  });

  test('deleted here, restored, then deleted there: two links, one timeline', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced(fields());
    const here = await during(desk, id, async () => {
      await desk.remove(id);
      await desk.settle(id);
    });
    expect(here).toEqual([
      'product: deleted (version 2)',
      AFTER_A_CHANGE,
      'counterpart: deleted here: it is deleted there too, edited meanwhile or not; its deletion is on its way',
      'counterpart: about to delete it (version 2)',
      'counterpart: delete is sent',
      'stripe: delete is done',
      'counterpart: the link has ended; the system confirms that it is deleted there',
    ]);
    const back = await during(desk, id, async () => {
      await desk.insert({ name: 'Ann' }, id);
      await desk.settle(id);
    });
    expect(back[0]).toBe('product: restored (version 3)');
    expect(back).toContain('counterpart: restored here: it is created there anew, under a new generation');
    await desk.hear(desk.system);
    const there = await during(desk, id, async () => {
      desk.system.erase((await desk.link(id)).remote_id as RemoteId);
      await desk.hear(desk.system);
      await desk.settle(id);
    });
    expect(there).toEqual([
      'stripe: customer.deleted (…) by poll: to be looked at',
      'counterpart: the system confirms that it is deleted there',
      AFTER_AN_EVENT,
      'stripe: deleted here, as it was there (version 4)',
      'counterpart: deleted there: it is deleted here too, edited meanwhile or not; the link has ended',
    ]);
  });

  test('failure 1: the answer to a create was lost: both tries are there, under one key', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: failureOf('unavailable', { code: 'ETIMEDOUT' }), when: 'after' });
    await desk.settle(id);
    await desk.settle(id);
    expect((await told(desk, id)).slice(5)).toEqual([
      'counterpart: create is sent',
      'counterpart: waiting, unavailable: The system does not answer. (ETIMEDOUT (req_failed))',
      AFTER_A_CHANGE,
      'counterpart: create is sent again (try 2)',
      'stripe: create is done',
      'counterpart: linked (…); remembered as agreed: name, email',
      'counterpart: both sides were compared: nothing to write; in sync',
    ]);
    const keys = (await entriesOf(desk, id)).flatMap(({ detail }) =>
      detail['key'] === undefined ? [] : [detail['key']],
    );
    expect(keys).toHaveLength(4);
    expect(new Set(keys).size).toBe(1);
  });

  test('failure 9: refused, and an operator asks for another look', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced(fields());
    desk.system.refuses = (values) => (values['name'] === 'Bad' ? 'name' : null);
    const story = await during(desk, id, async () => {
      await desk.update(id, { name: 'Bad' });
      await desk.settle(id);
      await desk.store.queue.enqueue(CUSTOMER, [id], 'operator');
    });
    expect(story.slice(-3)).toEqual([
      'stripe: update was refused',
      'counterpart: parked, rejected: The system refused the data. (field name; value_refused (req_failed))',
      'operator: to be looked at, because of an operator who asks for it',
    ]);
  });

  test('failure 61: born there and recognised: the reserved id and the record tell of each other', async () => {
    const desk = await openDesk();
    const same = fields();
    const id = await desk.insert(same);
    const born = await desk.born(desk.system.plant(same));
    await desk.settle(born);
    await desk.settle(id);
    expect((await told(desk, born)).at(-1)).toBe(`counterpart: its object now belongs to the id ${id}`);
    expect(await told(desk, id)).toContain(`counterpart: its object (…) came from the id ${born}`);
  });

  test('failure 64: a value that comes from one system goes on to the other', async () => {
    const desk = await openDesk({ others: [newSystem(CRM)] });
    const { id, remoteId } = await desk.synced(fields());
    const story = await during(desk, id, async () => {
      desk.system.edit(remoteId, { name: 'Anna' });
      await desk.hear(desk.system);
      await desk.settle(id);
    });
    expect(story).toContain('stripe: changed there and taken over: name (version 2)');
    expect(story).toContain('counterpart: to be looked at, because of a value that came from another system');
    expect(story).toContain('crm: update is done');
  });
});

describe('ids for whoever looks further', () => {
  test('what a look did names its workflow run, and the answered call its request; what others did does not', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    await desk.settle(id);
    desk.system.erase(remoteId);
    await desk.hear(desk.system);
    const entries = await entriesOf(desk, id);
    const ofRun = new Set(entries.filter(({ runId }) => runId === RUN).map(({ kind }) => kind));
    expect([...ofRun].toSorted()).toEqual(['answer', 'call', 'decision', 'intent', 'link', 'look']);
    const others = entries.filter(({ runId }) => runId === null);
    expect(new Set(others.map(({ kind }) => kind))).toEqual(new Set(['change', 'event', 'link']));
    // the door's proof of the deletion is nobody's look
    expect(others.at(-1)).toMatchObject({ kind: 'link', changes: { remote_deleted: [false, true] } });
    const answered = entries.filter(({ kind }) => kind === 'answer');
    expect(answered.map(({ requestId }) => requestId)).toEqual([
      expect.stringContaining('req_'),
      expect.stringContaining('req_'),
    ]);
    // the second look read the other side before it decided
    expect(entries.findLast(({ kind }) => kind === 'decision')?.requestId).toMatch(/req_/);
  });

  test('numbers grow, and the times of what one writer did do not go back', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced(fields());
    const entries = await entriesOf(desk, id);
    const seqs = entries.map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    const times = entries.map(({ at }) => at.getTime());
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('values stand in what changed and nowhere else', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Ann Two' });
    desk.system.edit(remoteId, { name: 'Ann Three' });
    await desk.hear(desk.system);
    await desk.settle(id);
    for (const { changes: _, ...rest } of await entriesOf(desk, id)) {
      expect(JSON.stringify(rest)).not.toMatch(/Ann|@example/);
    }
  });
});
