import { CUSTOMER, desks, freshMail, STRIPE } from './desk-for-tests';
import { failureOf } from '../src/connectors/memory';
import { forgetRefusals } from '../src/store/swings';

const openDesk = desks();
const fields = () => ({ name: 'Ann', email: freshMail() });

describe('not found', () => {
  test('[!] a linked object is not found on the right account: it parks as missing and nothing is deleted', async () => {
    const desk = await openDesk();
    const before = fields();
    const { id, remoteId } = await desk.synced(before);
    desk.system.hide(remoteId);
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.row(id)).toEqual(before);
    expect(desk.system.writes()).toEqual([]);
    expect(await desk.link(id)).toMatchObject({
      state: 'linked',
      outcome: 'parked',
      reason: { code: 'remote_missing' },
    });
  });

  test('found again: the next look brings it back in sync', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.hide(remoteId);
    await desk.hint(id);
    await desk.settle(id);
    desk.system.show(remoteId);
    await desk.hint(id);
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  });

  test('missing there and then deleted here: the deletion is sent, finds nothing, and that is its end; a restore makes a new one', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.hide(remoteId);
    await desk.hint(id);
    await desk.settle(id);
    const before = await desk.row(id);
    await desk.remove(id);
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted', reason: null });
    expect(desk.system.writes().map(({ operation }) => operation)).toEqual(['remove']);
    await desk.insert(before!, id);
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync' });
  });

  test('56: deleted here, and the key is of another account now: nothing is sent', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.hide(remoteId);
    desk.system.identity = { ...desk.system.identity, account: 'acct_2' };
    await desk.remove(id);
    await desk.settle(id);
    expect(desk.system.writes()).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ state: 'linked' });
  });

  /** A proxy in between answers 404 to everything, the account included. */
  const gone = failureOf('gone', { status: 404 });
  const routeless = { kind: 'unavailable', code: 'account_not_named' } as const;

  test('A3: a proxy answers 404 to our DELETE and to the question for the account, which was known: nothing is confirmed', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    const { identity } = desk.system;
    await desk.remove(id);
    desk.system.during('read', () => {
      desk.system.hide(remoteId);
      desk.system.identity = { ...identity, account: null };
    });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({
      state: 'deleting',
      outcome: 'waiting',
      reason: { code: routeless.kind, detail: expect.stringContaining(routeless.code) },
    });
    desk.system.show(remoteId);
    desk.system.identity = identity;
    await desk.settle(id);
    expect(desk.system.object(remoteId).state).toBe('deleted');
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted', reason: null });
  });

  test('A3: the proxy is gone when the account is asked for: the object is found standing, and deleted', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.remove(id);
    desk.system.fail('remove', { failure: gone, when: 'before', stored: false });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ state: 'deleting', reason: { code: 'unavailable' } });
    await desk.settle(id);
    expect(desk.system.object(remoteId).state).toBe('deleted');
    expect(await desk.link(id)).toMatchObject({ state: 'retired', outcome: 'deleted', reason: null });
  });

  test('a create asks for no object: 404 to it says nothing, and the same call is repeated', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: gone, when: 'before', stored: false });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'waiting', reason: { code: 'unavailable' } });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ state: 'linked', outcome: 'in_sync', reason: null });
    expect(new Set(desk.system.writes().map(({ key }) => key)).size).toBe(1);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('56: 404 to a create, and the key is of another account now: the connection pauses, the create stays due', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: gone, when: 'before', stored: false });
    desk.system.identity = { ...desk.system.identity, account: 'acct_2' };
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'paused', reason: { code: 'other_account' } });
    expect(desk.system.living()).toEqual([]);
  });

  test('a create whose answer names what is missing was refused: it parks with that field', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    const named = failureOf('gone', { status: 404, code: 'resource_missing', param: 'email' });
    desk.system.fail('create', { failure: named, when: 'before' });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({
      outcome: 'parked',
      reason: { code: 'rejected', field: 'email', detail: expect.stringContaining('resource_missing') },
    });
  });

  test('an update finds nothing on the right account: the intent ends, the record parks as missing', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    desk.system.during('read', () => desk.system.hide(remoteId));
    await desk.settle(id);
    expect(await desk.row(id)).toMatchObject({ name: 'Anna' });
    expect(await desk.link(id)).toMatchObject({ outcome: 'parked', reason: { code: 'remote_missing' } });
    desk.system.show(remoteId);
    await desk.hint(id);
    await desk.settle(id);
    expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Anna' });
  });

  test.each([
    ['account', { account: 'acct_2' }],
    ['mode', { mode: 'live' as const }],
  ])(
    '[!] failure 56: the key is of another %s: the connection pauses and nothing is deleted or parked',
    async (_, other) => {
      const desk = await openDesk();
      const before = fields();
      const { id, remoteId } = await desk.synced(before);
      desk.system.hide(remoteId);
      desk.system.identity = { ...desk.system.identity, ...other };
      await desk.hint(id);
      await desk.settle(id);
      expect(await desk.row(id)).toEqual(before);
      expect((await desk.store.connections.find(STRIPE))!.paused).toMatchObject({ code: 'other_account' });
      expect(await desk.link(id)).toMatchObject({ outcome: 'paused', reason: { code: 'other_account' } });
    },
  );

  test('whose account it is cannot be asked now: it is tried again, nothing parks', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    desk.system.hide(remoteId);
    desk.system.fail('identify', { failure: failureOf('unavailable'), when: 'before' });
    await desk.hint(id);
    expect((await desk.settle(id)).trouble).toHaveLength(1);
    expect(await desk.link(id)).toMatchObject({ outcome: 'waiting' });
  });
});

describe('failure 10: the key is refused', () => {
  const refused = failureOf('unauthorized', { status: 401, code: 'api_key_expired' });

  test('the connection pauses and keeps what is due; resumed, the same values go out once', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: refused, when: 'before' });
    await desk.settle(id);
    expect((await desk.store.connections.find(STRIPE))!.paused).toMatchObject({ code: 'unauthorized' });
    expect(await desk.link(id)).toMatchObject({ state: 'reserved', outcome: 'paused' });
    await desk.store.connections.resume(STRIPE);
    await desk.settle(id);
    const [first, second] = desk.system.writes();
    // nothing of the first had begun: a new decision, under a key of its own
    expect(second).toEqual({ ...first, key: second!.key, applied: true });
    expect(desk.system.writes()).toHaveLength(2);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  });

  test('while it is paused no call goes out and the row stays', async () => {
    const desk = await openDesk();
    await desk.store.connections.pause(STRIPE, { code: 'unauthorized', detail: null });
    const id = await desk.insert(fields());
    await desk.settle(id);
    expect(desk.system.calls).toEqual([]);
    const { rows } = await desk.database.query(
      'select waiting_on from counterpart.work_queue where record_id = $1',
      [id],
    );
    expect(rows).toEqual([{ waiting_on: ['stripe'] }]);
    await desk.store.connections.resume(STRIPE);
    expect(await desk.store.queue.releaseWaiting(STRIPE)).toBe(1);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
  });

  test('a reading that is refused pauses too', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced(fields());
    desk.system.fail('read', { failure: refused, when: 'before' });
    await desk.hint(id);
    await desk.settle(id);
    expect((await desk.store.connections.find(STRIPE))!.paused).toMatchObject({ code: 'unauthorized' });
  });
});

describe('failure 9: the data is refused', () => {
  const refused = failureOf('rejected', {
    status: 400,
    code: 'email_invalid',
    param: 'email',
    requestId: 'req_9',
  });

  test('a create parks with the field and the code; the next edit heals it', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: refused, when: 'before' });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({
      state: 'reserved',
      outcome: 'parked',
      reason: { code: 'rejected', field: 'email', detail: 'email_invalid (req_9)' },
    });
    expect(await desk.look(id)).toMatchObject({ kind: 'nothing' });
    await desk.update(id, { email: freshMail() });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
    const [first, second] = desk.system.writes();
    expect(second!.key).not.toBe(first!.key);
  });

  test('an update parks, and the next edit heals it', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { email: freshMail() });
    desk.system.fail('update', { failure: refused, when: 'before' });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'parked', reason: { code: 'rejected' } });
    const email = freshMail();
    await desk.update(id, { email });
    await desk.settle(id);
    expect(desk.system.object(remoteId).fields).toMatchObject({ email });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  });

  test('an edit that came in while the refusal was on its way is tried at once', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    const email = freshMail();
    await desk.update(id, { email: freshMail() });
    desk.system.during('update', () => desk.update(id, { email }));
    desk.system.fail('update', { failure: refused, when: 'after' });
    await desk.settle(id);
    expect(desk.system.object(remoteId).fields).toMatchObject({ email });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  });

  test.each(['create', 'update'] as const)(
    'I7: a %s that was refused is not sent again, whatever is heard, until it is edited or a person asks',
    async (operation) => {
      const desk = await openDesk();
      const id = operation === 'create' ? await desk.insert(fields()) : (await desk.synced(fields())).id;
      if (operation === 'update') await desk.update(id, { name: 'Anna' });
      desk.system.fail(operation, { failure: refused, when: 'before' });
      await desk.settle(id);
      const parked = await desk.link(id);
      for (const hint of ['webhook', 'sweep', 'pull'] as const) {
        await desk.store.queue.enqueue(CUSTOMER, [id], hint);
        await desk.settle(id);
        expect(await desk.link(id)).toMatchObject({ outcome: 'parked', reason: parked.reason });
      }
      expect(desk.system.writes()).toHaveLength(1);
      await desk.database.transact((sql) => forgetRefusals(sql, CUSTOMER, id));
      await desk.hint(id);
      await desk.settle(id);
      expect(desk.system.writes()).toHaveLength(2);
      expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
    },
  );

  test('an update that was refused is tried again when another value stands there', async () => {
    const desk = await openDesk();
    const { id, remoteId } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    desk.system.fail('update', { failure: refused, when: 'before' });
    await desk.settle(id);
    desk.system.edit(remoteId, { name: 'Annika' });
    await desk.hint(id);
    await desk.settle(id);
    expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Anna' });
    expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
  });

  test('failure 4: a key that was used with other params parks as our own mistake and is never sent again', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced(fields());
    await desk.update(id, { name: 'Anna' });
    desk.system.fail('update', {
      failure: failureOf('bug', { status: 400, code: 'idempotency_error' }),
      when: 'before',
    });
    await desk.settle(id);
    expect(await desk.link(id)).toMatchObject({ outcome: 'parked', reason: { code: 'bug' } });
    await desk.hint(id);
    await desk.settle(id);
    const [first, second] = desk.system.writes();
    expect(second!.key).not.toBe(first!.key);
  });
});

describe('the weather', () => {
  test.each([
    ['failure 7: 429', failureOf('rate-limited', { status: 429, code: 'rate_limit', retryAfterMs: 3_000 })],
    ['failure 6: a lock', failureOf('rate-limited', { status: 429, code: 'lock_timeout' })],
    ['failure 5: our own key in use', failureOf('stale', { status: 409, code: 'idempotency_key_in_use' })],
    ['a first 500', failureOf('unavailable', { status: 500, code: 'api_error' })],
    ['failure 63: a proxy answers 504', failureOf('unavailable', { status: 504 })],
    ['failure 11: no answer at all', failureOf('unavailable', { code: 'ETIMEDOUT' })],
  ])(
    '%s: told as trouble, the intent stays with its key and params, and nothing parks',
    async (_, failure) => {
      const desk = await openDesk();
      const { id, remoteId } = await desk.synced(fields());
      await desk.update(id, { name: 'Anna' });
      desk.system.fail('update', { failure, when: 'before' });
      desk.system.fail('update', { failure, when: 'after' });
      const looked = await desk.settle(id);
      expect(looked.trouble).toMatchObject([{ type: 'RemoteTrouble', nonRetryable: false }]);
      expect(looked.trouble[0]!.nextRetryDelay).toBe(failure.retryAfterMs ?? undefined);
      expect(await desk.link(id)).toMatchObject({ outcome: 'waiting' });
      await desk.settle(id);
      await desk.settle(id);
      const sent = desk.system.writes();
      expect(new Set(sent.map(({ key, values }) => JSON.stringify([key, values]))).size).toBe(1);
      expect(sent.filter((call) => call.applied)).toHaveLength(1);
      expect(desk.system.object(remoteId).fields).toMatchObject({ name: 'Anna' });
      expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync', reason: null });
    },
  );

  test('a vendor that asks us to wait for hours holds no attempt longer than 20 s', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', {
      failure: failureOf('rate-limited', { retryAfterMs: 3_600_000 }),
      when: 'before',
    });
    expect((await desk.settle(id)).trouble[0]!.nextRetryDelay).toBe(20_000);
  });

  test('a record that keeps waiting is left for longer each time', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    const waits: number[] = [];
    for (let look = 0; look < 6; look += 1) {
      desk.system.fail('create', { failure: failureOf('unavailable'), when: 'before' });
      await desk.settle(id);
      const { rows } = await desk.database.query<{ s: number }>(
        `select round(extract(epoch from due_at - clock_timestamp()))::int as s from counterpart.work_queue where record_id = $1`,
        [id],
      );
      waits.push(rows[0]!.s);
    }
    expect(waits).toEqual([1, 2, 4, 8, 15, 15]);
  });
});
