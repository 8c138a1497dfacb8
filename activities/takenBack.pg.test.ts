import { desks, freshMail } from './desk-for-tests';
import { failureOf } from '../src/connectors/memory';

const openDesk = desks();
const fields = () => ({ name: 'Ann', email: freshMail() });

const UNBEGUN = [
  ['the key is refused', failureOf('unauthorized', { status: 401 })],
  ['the pace is refused', failureOf('rate-limited', { status: 429, code: 'rate_limit', unbegun: true })],
  ['no connection comes about', failureOf('unavailable', { code: 'ECONNREFUSED', unbegun: true })],
  ['our own limiter has no slot', failureOf('rate-limited', { code: 'own_limit', unbegun: true })],
] as const;

/** A person has put right what was wrong: a paused connection goes on. */
async function resumed(desk: Awaited<ReturnType<typeof openDesk>>): Promise<void> {
  await desk.database.query('update counterpart.connections set paused_at = null, pause_code = null');
}

describe.each(UNBEGUN)('a call that the system never began to carry out: %s', (_story, failure) => {
  test('I3, I6: a DELETE, and the record is restored: the object there goes on, and nothing is sent', async () => {
    const desk = await openDesk();
    const customer = fields();
    const { id, remoteId } = await desk.synced(customer);
    await desk.remove(id);
    desk.system.fail('remove', { failure, when: 'before' });
    await desk.look(id);
    await desk.insert(customer, id);
    await resumed(desk);
    await desk.hint(id);
    await desk.settle(id);
    expect(desk.system.writes().map(({ operation, applied }) => ({ operation, applied }))).toEqual([
      { operation: 'remove', applied: false },
    ]);
    expect(desk.system.living()).toMatchObject([[remoteId, { fields: customer }]]);
    expect(await desk.link(id)).toMatchObject({ generation: 1, state: 'linked', outcome: 'in_sync' });
  });

  test('a create, and the record is deleted here: nothing is made there', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure, when: 'before' });
    await desk.look(id);
    await desk.remove(id);
    await resumed(desk);
    await desk.hint(id);
    await desk.settle(id);
    expect(desk.system.writes()).toMatchObject([{ operation: 'create', applied: false }]);
    expect(desk.system.living()).toEqual([]);
  });

  test('it is done once that passes', async () => {
    const desk = await openDesk();
    const { id } = await desk.synced(fields());
    await desk.remove(id);
    desk.system.fail('remove', { failure, when: 'before' });
    await desk.look(id);
    await resumed(desk);
    await desk.hint(id);
    await desk.settle(id);
    expect(desk.system.living()).toEqual([]);
    expect(await desk.link(id)).toMatchObject({ state: 'retired' });
  });

  test('I2, failure 1: an earlier send of the same create may have taken effect: it is not forgotten', async () => {
    const desk = await openDesk();
    const id = await desk.insert(fields());
    desk.system.fail('create', { failure: failureOf('unavailable', { status: 504 }), when: 'after' });
    await desk.look(id);
    desk.system.fail('create', { failure, when: 'before' });
    await desk.hint(id);
    await desk.look(id);
    await resumed(desk);
    await desk.hint(id);
    await desk.settle(id);
    expect(desk.system.living()).toHaveLength(1);
    expect(new Set(desk.system.writes().map(({ key }) => key)).size).toBe(1);
  });
});

test('I6: restored between the decision to delete and its sending: the object there goes on, and nothing is sent', async () => {
  const desk = await openDesk();
  const customer = fields();
  const { id, remoteId } = await desk.synced(customer);
  await desk.remove(id);
  const open = await desk.open(id);
  expect(await desk.activities.examine(open)).toMatchObject({ next: 'send' });
  await desk.insert(customer, id);
  expect(await desk.activities.send(open)).toMatchObject({ next: 'stale' });
  await desk.settle(id);
  expect(desk.system.writes()).toEqual([]);
  expect(desk.system.living()).toMatchObject([[remoteId, { fields: customer }]]);
  expect(await desk.link(id)).toMatchObject({ generation: 1, state: 'linked', outcome: 'in_sync' });
});

test.each([
  ['made its object: that is found, and no second one is made', 'after'],
  ['made nothing: its absence is proven, and it is made with a new key', 'before'],
] as const)('I2, failure 4: a create whose key counts as used with other params %s', async (_story, when) => {
  const desk = await openDesk();
  const id = await desk.insert(fields());
  desk.system.fail('create', { failure: failureOf('unavailable', { status: 504 }), when });
  await desk.look(id);
  desk.system.fail('create', {
    failure: failureOf('bug', { status: 400, code: 'idempotency_error' }),
    when: 'before',
  });
  await desk.hint(id);
  await desk.settle(id);
  await desk.database.query(
    `update counterpart.intents set absent_at = absent_at - interval '1 minute' where ended_at is null`,
  );
  await desk.hint(id);
  await desk.settle(id);
  expect(desk.system.living()).toHaveLength(1);
  expect(await desk.link(id)).toMatchObject({ outcome: 'in_sync' });
});
