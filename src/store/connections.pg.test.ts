import { benches, STRIPE } from './store-for-tests';

const bench = benches();
const connections = () => bench().store.connections;
const SANDBOX = { account: 'acct_1', apiBase: 'https://api.stripe.com', mode: 'test' } as const;

beforeEach(async () => {
  await bench().database.query('delete from counterpart.connections');
  await connections().register(STRIPE, 'stripe');
});

describe('who is at the other end', () => {
  test('the first identity is kept, whatever is seen later', async () => {
    expect((await connections().find(STRIPE))!.identity).toBeNull();
    expect(await connections().keepIdentity(STRIPE, SANDBOX)).toEqual(SANDBOX);
    const live = { account: 'acct_2', apiBase: 'https://elsewhere.invalid', mode: 'live' } as const;
    expect(await connections().keepIdentity(STRIPE, live)).toEqual(SANDBOX);
    expect((await connections().find(STRIPE))!.identity).toEqual(SANDBOX);
  });

  test('two processes that identify at once keep the same one', async () => {
    const kept = await Promise.all(
      ['acct_1', 'acct_2', 'acct_3'].map((account) =>
        connections().keepIdentity(STRIPE, { ...SANDBOX, account }),
      ),
    );
    expect(new Set(kept.map(({ account }) => account)).size).toBe(1);
  });

  test('a server that learns to name its account is believed once', async () => {
    await connections().keepIdentity(STRIPE, { ...SANDBOX, account: null });
    expect(await connections().keepIdentity(STRIPE, SANDBOX)).toEqual(SANDBOX);
    expect(await connections().keepIdentity(STRIPE, { ...SANDBOX, account: 'acct_2' })).toEqual(SANDBOX);
  });

  test('registering again changes nothing', async () => {
    await connections().keepIdentity(STRIPE, SANDBOX);
    await connections().register(STRIPE, 'other');
    expect(await connections().list()).toMatchObject([{ system: 'stripe', identity: SANDBOX }]);
  });
});

describe('paused', () => {
  const paused = async () => (await connections().find(STRIPE))!.paused;

  test("an operator's pause is not replaced by a guard's", async () => {
    await connections().pause(STRIPE, { code: 'paused', detail: null });
    await connections().pause(STRIPE, { code: 'unauthorized', detail: 'req_1' });
    expect(await paused()).toMatchObject({ code: 'paused', detail: null });
  });

  test("an operator's pause replaces a guard's, and the clock runs on", async () => {
    await connections().pause(STRIPE, { code: 'unauthorized', detail: 'req_1' });
    const { since } = (await paused())!;
    await connections().pause(STRIPE, { code: 'paused', detail: null });
    expect(await paused()).toEqual({ code: 'paused', detail: null, since });
  });

  test('the first guard tells its reason; the next one does not talk over it', async () => {
    await connections().pause(STRIPE, { code: 'other_account', detail: 'acct_2' });
    await connections().pause(STRIPE, { code: 'unauthorized', detail: 'req_1' });
    expect(await paused()).toMatchObject({ code: 'other_account', detail: 'acct_2' });
  });

  test('resumed once, and told so once', async () => {
    await connections().pause(STRIPE, { code: 'paused', detail: null });
    expect(await connections().resume(STRIPE)).toBe(true);
    expect(await connections().resume(STRIPE)).toBe(false);
    expect(await paused()).toBeNull();
  });
});

test('what a server cannot do is reported the first time only', async () => {
  const noted = await Promise.all([1, 2, 3].map(() => connections().noteDegraded(STRIPE, 'events')));
  expect(noted.toSorted()).toEqual([false, false, true]);
  expect(await connections().noteDegraded(STRIPE, 'account')).toBe(true);
  expect((await connections().find(STRIPE))!.degraded).toEqual(['events', 'account']);
  await connections().noteAble(STRIPE, 'events');
  await connections().noteAble(STRIPE, 'events');
  expect((await connections().find(STRIPE))!.degraded).toEqual(['account']);
});
