import type { RemoteId } from '../src/core/ids';
import { desks, freshMail } from './desk-for-tests';
import type { Desk } from './desk-for-tests';
import type { RecordId } from '../src/core/ids';
import { createMemorySystem, failureOf } from '../src/connectors/memory';

const openDesk = desks();
const fields = () => ({ name: 'Ann', email: freshMail() });
const lostOnTheWay = failureOf('unavailable', { code: 'ETIMEDOUT' });
const serverFailed = failureOf('unavailable', { code: 'api_error', status: 500 });

/** The key is older than the system keeps it, and the system has forgotten it. */
async function aDayLater(desk: Desk, id: RecordId): Promise<void> {
  await desk.hoursPass(id, 25);
}

describe('I17: a create whose answer was lost', () => {
  test('failure 1: it took effect: the same call with the same key is answered by replay, and one customer stands', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    expect((await desk.settle(id)).trouble).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({ state: 'reserved', outcome: 'waiting' });
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
    const [first, second] = desk.system.writes();
    expect(second).toEqual({ ...first, applied: false });
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync', reason: null });
  });

  test('it took no effect: the same call makes it', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'before' });
    await desk.settle(id);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
    expect(new Set(desk.system.writes().map(({ key }) => key)).size).toBe(1);
  });

  test('edited here before the answer: the old values are asked for again, then the edit is sent', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    await desk.update(id, { name: 'Anna' });
    await desk.settle(id);
    expect(desk.system.living()).toMatchObject([[expect.anything(), { fields: { name: 'Anna' } }]]);
    expect(await desk.lost(id)).toEqual([]);
  });

  test('failure 2: the worker dies between the answer and our record of it: one customer, not two', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    const open = await desk.open(id);
    expect(await desk.activities.examine(open)).toMatchObject({ next: 'send' });
    desk.system.during('create', () => {
      throw new Error('SIGKILL');
    });
    await expect(desk.activities.send(open)).rejects.toMatchObject({ type: 'OwnTrouble' });
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync' });
  });

  test('failure 3: a day later its object is found by its trace and linked', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    await aDayLater(desk, id);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
    expect(desk.system.writes()).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync' });
  });

  test('failure 3: a day later its absence is proven, and it is made with a new key', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'before' });
    await desk.settle(id);
    await aDayLater(desk, id);
    await desk.settle(id);
    // one empty reading proves nothing: what was just made may show some seconds late
    expect(desk.system.living()).toEqual([]);
    await desk.hoursPass(id, 1);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
    const [first, second] = desk.system.writes();
    expect(second!.key).not.toBe(first!.key);
  });

  test('failure 3, I14: what is made long after it was sent last is not searched, so that the search does not grow', async () => {
    let passed_ms = 0;
    let ids = 0;
    const system = createMemorySystem({
      name: 'stripe',
      clock: () => Date.now() + passed_ms,
      nextId: () => `later_${(ids += 1)}`,
    });
    const desk = await openDesk({ system });
    const id = await desk.insert(fields());
    system.fail('create', { failure: lostOnTheWay, when: 'before' });
    await desk.settle(id);
    passed_ms = 3 * 3_600_000;
    system.plant(fields(), desk.mark(id));
    await aDayLater(desk, id);
    await desk.settle(id);
    await desk.hoursPass(id, 1);
    await desk.settle(id);
    expect(system.writes()).toHaveLength(2);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
  });

  describe('failure 3, I14: so many were made about that time that one call does not search them all', () => {
    const traces = (desk: Desk) =>
      desk.system.calls.filter(({ operation }) => operation === 'findCreated').length;

    test('found: each attempt goes on where the one before it came to, and nothing is sent meanwhile', async () => {
      const desk = await openDesk();
      desk.system.tracedAtOnce = 1;
      const id = await desk.insert(fields());
      desk.system.fail('create', { failure: serverFailed, when: 'after', stored: true });
      desk.system.during('create', () => {
        for (let n = 0; n < 40; n += 1) desk.system.plant(fields());
      });
      await desk.settle(id);
      for (let n = 0; n < 40; n += 1) desk.system.plant(fields());
      expect((await desk.settle(id)).trouble).toMatchObject([
        { details: [{ code: 'unavailable', detail: 'still looking for what was made' }] },
      ]);
      expect(traces(desk)).toBe(30);
      const sent = desk.system.writes().length;
      desk.system.fail('findCreated', { failure: lostOnTheWay, when: 'before' });
      expect((await desk.settle(id)).trouble).toHaveLength(1);
      await desk.settle(id);
      expect(traces(desk)).toBe(61);
      await desk.settle(id);
      expect(traces(desk)).toBeLessThanOrEqual(61 + 21);
      expect(desk.system.writes()).toHaveLength(sent);
      expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync' });
    });

    test('absent: the second proof reads everything once more', async () => {
      const desk = await openDesk();
      desk.system.tracedAtOnce = 1;
      const id = await desk.insert(fields());
      desk.system.fail('create', { failure: lostOnTheWay, when: 'before' });
      await desk.settle(id);
      for (let n = 0; n < 10; n += 1) desk.system.plant(fields());
      await aDayLater(desk, id);
      await desk.settle(id);
      expect(traces(desk)).toBe(10);
      await desk.hoursPass(id, 1);
      await desk.settle(id);
      expect(traces(desk)).toBe(20);
      expect(desk.system.writes()).toHaveLength(2);
      expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync' });
    });
  });

  test('failure 3: a reading that failed proves nothing: nothing is made', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    await aDayLater(desk, id);
    desk.system.fail('findCreated', { failure: lostOnTheWay, when: 'before' });
    expect((await desk.settle(id)).trouble).toHaveLength(1);
    expect(desk.system.writes()).toHaveLength(1);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('failure 3: a day later its object was edited there: the edit comes here and nothing is sent', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    desk.system.edit(desk.system.living()[0]![0], { name: 'Anne' });
    await aDayLater(desk, id);
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Anne' });
    expect(desk.system.writes()).toHaveLength(1);
  });

  test('I3, failure 55: traced, and found in a form of its own: that is taken, and ours is kept as the loser', async () => {
    const desk = await openDesk();
    desk.system.form = (values) => ({ ...values, name: String(values['name']).slice(0, 3) });
    const id = await desk.insert({ name: 'Ann the long', email: freshMail() });
    desk.system.fail('create', { failure: serverFailed, when: 'after', stored: true });
    await desk.settle(id);
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
    expect(await desk.lost(id)).toMatchObject([
      { field: 'name', ours: 'Ann the long', theirs: 'Ann', winner: 'remote', cause: 'altered' },
    ]);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('I3: traced, and its name was emptied there since, while it got another one here: neither is lost without a word', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    desk.system.edit(desk.system.living()[0]![0], { name: null });
    await desk.update(id, { name: 'Anna' });
    await aDayLater(desk, id);
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Anna' });
    expect(await desk.lost(id)).toMatchObject([
      { field: 'name', ours: 'Anna', theirs: null, winner: 'local', cause: 'both_edited' },
    ]);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  });

  test('traced, and its name was emptied there since: that comes here, and nobody says that the system kept no value', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    desk.system.edit(desk.system.living()[0]![0], { name: null });
    await aDayLater(desk, id);
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: null });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  });

  test('failure 3: a day later it was edited there and here: the policy decides, and the loser is kept', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    const [remoteId] = desk.system.living()[0]!;
    desk.system.edit(remoteId, { name: 'Anne' });
    await desk.update(id, { name: 'Anna' });
    await aDayLater(desk, id);
    await desk.settle(id);
    expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Anna' });
    expect(await desk.lost(id)).toMatchObject([
      { field: 'name', ours: 'Anna', theirs: 'Anne', winner: 'local' },
    ]);
  });

  test('failure 3: a day later its object was deleted there: the deletion comes here', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    desk.system.erase(desk.system.living()[0]![0]);
    await aDayLater(desk, id);
    await desk.settle(id);
    expect(await desk.row(id)).toBeNull();
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted' });
  });

  test('failure 3: found, but not readable at first: it parks, and the next look brings it in sync', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    await aDayLater(desk, id);
    desk.system.fail('read', { failure: failureOf('gone', { status: 404 }), when: 'before' });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'parked', reason: { code: 'remote_missing' } });
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync', reason: null });
    expect(desk.system.living()).toHaveLength(1);
  });
});

describe('failure 8: a 5xx that is stored and replayed', () => {
  test('for a create that made its object all the same: it is found before anything else is made', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: serverFailed, when: 'after', stored: true });
    await desk.settle(id);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync' });
  });

  test('for a create that made nothing: absence is proven, then it is made with a new key', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: serverFailed, when: 'before', stored: true });
    await desk.settle(id);
    expect(desk.system.living()).toEqual([]);
    await desk.settle(id);
    await desk.hoursPass(id, 1);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
    expect(desk.system.calls.map(({ operation }) => operation)).toContain('findCreated');
  });

  test('I2: for a create whose object the lists show some seconds late: two readings in a row prove nothing, and no second one is made', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: serverFailed, when: 'after', stored: true });
    await desk.settle(id);
    const [[made]] = desk.system.living() as [[RemoteId, unknown]];
    desk.system.hide(made);
    expect((await desk.settle(id)).trouble).toMatchObject([{ type: 'RemoteTrouble' }]);
    expect((await desk.settle(id)).trouble).toMatchObject([{ type: 'RemoteTrouble' }]);
    desk.system.show(made);
    await desk.hoursPass(id, 1);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({ remote_id: made, outcome: 'in_sync' });
  });

  test('for an update that changed nothing: it is sent anew under a new key', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    desk.system.fail('update', { failure: serverFailed, when: 'before', stored: true });
    await desk.settle(id);
    await desk.settle(id);
    expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Anna' });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
  });

  test('failure 52: for an update that took effect, and an edit back here: the edit back stands on both sides', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    desk.system.fail('update', { failure: serverFailed, when: 'after', stored: true });
    await desk.settle(id);
    await desk.update(id, { name: 'Ann' });
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
    expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Ann' });
  });
});

describe('I3: an update whose answer is a stored failure, at a system whose events tell what it made', () => {
  const LONG = 'Canary the third of her name';
  const SHORT = 'Canary the';

  /** The system cuts the name, answers with a failure, and goes on doing so; meanwhile something happens. */
  async function cutAndFailed(
    onConflict: 'local' | 'remote',
    meanwhile: (desk: Desk, id: RecordId, remoteId: RemoteId) => unknown,
  ) {
    const desk = await openDesk({ onConflict });
    const { id, remoteId } = await desk.synced(fields());
    desk.system.form = (values) => (values['name'] === LONG ? { ...values, name: SHORT } : values);
    await desk.update(id, { name: LONG });
    desk.system.fail('update', { failure: serverFailed, when: 'after', stored: true });
    expect((await desk.settle(id)).trouble).toHaveLength(1);
    await meanwhile(desk, id, remoteId);
    await desk.settle(id);
    return { desk, id, there: () => desk.system.object(remoteId).fields['name'] };
  }

  test.each(['local', 'remote'] as const)(
    'failure 55: it cut what we sent, and the name was edited here since: the edit stands on both sides, whoever wins conflicts (%s)',
    async (onConflict) => {
      const { desk, id, there } = await cutAndFailed(onConflict, (here, of) =>
        here.update(of, { name: 'Ann' }),
      );
      expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
      expect(there()).toBe('Ann');
      expect(await desk.lost(id)).toEqual([]);
    },
  );

  test.each(['local', 'remote'] as const)(
    'failure 55: it cut what we sent, and nobody edited it: its form stands on both sides, ours is kept, and nothing is sent twice (%s)',
    async (onConflict) => {
      const { desk, id, there } = await cutAndFailed(onConflict, () => undefined);
      expect(await desk.row(id)).toMatchObject({ name: SHORT });
      expect(there()).toBe(SHORT);
      expect(await desk.lost(id)).toMatchObject([{ ours: LONG, theirs: SHORT, cause: 'altered' }]);
      expect(
        desk.system.writes().filter(({ applied, operation }) => applied && operation === 'update'),
      ).toHaveLength(1);
    },
  );

  test('it was put back there by a person since: the later word stands, and ours is not sent again', async () => {
    const { desk, id, there } = await cutAndFailed('local', (here, _, remoteId) =>
      here.system.edit(remoteId, { name: 'Ann' }),
    );
    expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
    expect(there()).toBe('Ann');
  });

  test('the list of events fails at first: nothing is guessed before it was read', async () => {
    const { desk, id, there } = await cutAndFailed('remote', async (here, of) => {
      await here.update(of, { name: 'Ann' });
      here.system.fail('listEvents', { failure: lostOnTheWay, when: 'before' });
      expect((await here.settle(of)).trouble).toHaveLength(1);
      expect(await here.row(of)).toMatchObject({ name: 'Ann' });
    });
    expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
    expect(there()).toBe('Ann');
  });
});

describe('I3 and failure 52: an update whose answer was lost', () => {
  test('edited back here before the next look: the acknowledged edit back stands on both sides', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    desk.system.fail('update', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    await desk.update(id, { name: 'Ann' });
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
    expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Ann' });
    expect(await desk.lost(id)).toEqual([]);
  });

  test.each(['before', 'after'] as const)(
    'the key expired (call lost %s it took effect), edited back here: the edit back stands on both sides',
    async (when) => {
      const desk = await openDesk();
      const { id, remoteId } = await desk.synced(fields());
      await desk.update(id, { name: 'Anna' });
      desk.system.fail('update', { failure: lostOnTheWay, when });
      await desk.settle(id);
      await aDayLater(desk, id);
      await desk.update(id, { name: 'Ann' });
      await desk.settle(id);
      expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
      expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Ann' });
      expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
    },
  );

  test.each(['before', 'after'] as const)(
    'the key expired (call lost %s it took effect), nothing else happened: our value stands on both sides',
    async (when) => {
      const desk = await openDesk();
      const { id, remoteId } = await desk.synced(fields());
      await desk.update(id, { name: 'Anna' });
      desk.system.fail('update', { failure: lostOnTheWay, when });
      await desk.settle(id);
      await aDayLater(desk, id);
      await desk.settle(id);
      expect(await desk.row(id)).toMatchObject({ name: 'Anna' });
      expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Anna' });
      expect(await desk.lost(id)).toEqual([]);
    },
  );

  test('it never took effect, its key expired, and another field was edited there: both of our values stand', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    const wanted = { name: 'Anna', email: freshMail() };
    await desk.update(id, wanted);
    desk.system.fail('update', { failure: lostOnTheWay, when: 'before' });
    await desk.settle(id);
    desk.system.edit(remoteId, { name: 'Anne' });
    await aDayLater(desk, id);
    await desk.settle(id);
    expect(await desk.row(id)).toEqual(wanted);
    expect(desk.system.object(remoteId).fields).toEqual(wanted);
    expect(await desk.lost(id)).toMatchObject([
      { field: 'name', ours: 'Anna', theirs: 'Anne', winner: 'local' },
    ]);
  });

  test.each(['before', 'after'] as const)(
    'its key expired (call lost %s it took effect), no event tells of it, and the same field was edited there since: no value is lost unrecorded',
    async (when) => {
      const desk = await openDesk();
      const { id, remoteId } = await desk.synced(fields());
      await desk.update(id, { name: 'Anna' });
      desk.system.fail('update', { failure: lostOnTheWay, when });
      await desk.settle(id);
      desk.system.edit(remoteId, { name: 'Anne' });
      await aDayLater(desk, id);
      desk.system.fail('listEvents', { failure: failureOf('gone', { status: 404 }), when: 'before' });
      await desk.settle(id);
      const here = (await desk.row(id))!['name'];
      expect(desk.system.object(remoteId).fields['name']).toBe(here);
      expect(await desk.lost(id)).toMatchObject([{ field: 'name', ours: 'Anna', theirs: 'Anne' }]);
    },
  );

  test('its key expired, the field was edited there since and edited back here: the edit back is no silent loser', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    desk.system.fail('update', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    desk.system.edit(remoteId, { name: 'Anne' });
    await desk.update(id, { name: 'Ann' });
    await aDayLater(desk, id);
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Ann' });
    expect(await desk.lost(id)).toMatchObject([{ field: 'name', ours: 'Ann', theirs: 'Anne' }]);
  });

  test('its key expired and the object was deleted there: the deletion comes here and the edit is kept', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    desk.system.fail('update', { failure: lostOnTheWay, when: 'before' });
    await desk.settle(id);
    desk.system.erase(remoteId);
    await aDayLater(desk, id);
    await desk.settle(id);
    expect(await desk.row(id)).toBeNull();
    expect(await desk.lost(id)).toMatchObject([{ field: 'name', ours: 'Anna', winner: 'deletion' }]);
  });
});

describe('I1: the stored answer of a call made long ago says nothing of what stands there now', () => {
  test('failure 12: an update was ambiguous, a person edited another field there since: the edit comes here', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.fail('update', { failure: lostOnTheWay, when: 'after' });
    await desk.update(id, { name: 'Anna' });
    await desk.settle(id);
    const email = freshMail();
    desk.system.edit(remoteId, { email });
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.row(id)).toEqual({ name: 'Anna', email });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
  });

  test('failure 60: a create was ambiguous and its object deleted there since: the deletion comes here', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    desk.system.erase(desk.system.living()[0]![0]);
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.row(id)).toBeNull();
    expect(desk.system.living()).toEqual([]);
    expect(desk.system.writes().filter(({ applied }) => applied)).toHaveLength(1);
  });

  test('failure 60: so it does when the create was one of a restored record, and its key is forgotten', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced(fields());
    await desk.remove(id);
    await desk.settle(id);
    await desk.insert(fields(), id);
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    desk.system.erase(desk.system.living()[0]![0]);
    await desk.hoursPass(id, 25);
    await desk.update(id, { name: 'Ann edited since' });
    await desk.settle(id);
    expect(await desk.row(id)).toBeNull();
    expect(await desk.lost(id)).toMatchObject([
      { field: 'name', ours: 'Ann edited since', cause: 'edit_and_delete' },
    ]);
    expect(desk.system.living()).toEqual([]);
    expect(
      desk.system.writes().filter(({ operation, applied }) => applied && operation === 'create'),
    ).toHaveLength(1);
  });
});

test.each(['its key is repeated', 'it is traced'])(
  'I6: a create is in doubt, its object is deleted there, then the record is deleted and restored here, and %s: the restore stands',
  async (how) => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    desk.system.erase(desk.system.living()[0]![0]);
    await desk.remove(id);
    await desk.insert(fields(), id);
    if (how === 'it is traced') await aDayLater(desk, id);
    await desk.settle(id);
    await desk.rest();
    expect(await desk.row(id)).not.toBeNull();
    expect(desk.system.living()).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({ generation: 2, state: 'linked', outcome: 'in_sync' });
  },
);

test.each(['before', 'after'])(
  'I3, failure 60: a create is in doubt, the record is deleted and restored here, and its object deleted there seconds later; told %s the create is found: it is gone on both sides',
  async (when) => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: lostOnTheWay, when: 'after' });
    await desk.settle(id);
    await desk.remove(id);
    await desk.insert(fields(), id);
    await desk.database.query(
      `update counterpart.timeline set at = at - interval '3 seconds' where record_id = $1`,
      [id],
    );
    desk.system.erase(desk.system.living()[0]![0]);
    await aDayLater(desk, id);
    if (when === 'before') await desk.hear(desk.system);
    else {
      const open = await desk.open(id);
      expect(await desk.activities.trace(open)).toMatchObject({ what: 'created and deleted there since' });
      await desk.hear(desk.system);
    }
    await desk.settle(id);
    await desk.rest();
    expect(await desk.row(id)).toBeNull();
    expect(desk.system.living()).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ generation: 1, state: 'retired' });
  },
);
