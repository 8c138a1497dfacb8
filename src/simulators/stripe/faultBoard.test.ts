import { startForTest, type TestSimulator } from './client-for-tests';
import { FAULT_NAMES } from './fault-table';

let sim: TestSimulator;
beforeAll(async () => {
  sim = await startForTest({ faults: true });
});
afterAll(() => sim.close());
beforeEach(() => sim.call('POST', '/_sim/reset'));

const shown = async () => (await sim.call('GET', '/_sim/faults')).body;
const ask = (key?: string) =>
  sim.call('POST', '/v1/customers', { name: 'Ann' }, key === undefined ? {} : { key });

describe('which requests a fault strikes', () => {
  test('the next so many, after so many that pass', async () => {
    await sim.fault({ name: 'refuse-503', after: 1, times: 2, path: '/v1/customers/:id', method: 'POST' });
    const { id } = await sim.customer();
    const statuses: number[] = [];
    for (let i = 0; i < 4; i += 1)
      statuses.push((await sim.call('POST', `/v1/customers/${id}`, { name: `${i}` })).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
  });

  test('only those with an idempotency key, or only those without', async () => {
    await sim.fault({ name: 'refuse-503', keyed: true }, { name: 'lock-timeout', keyed: false });
    const asked = [await ask(), await ask(), await ask('k'), await ask('k')];
    expect(asked.map((each) => each.status)).toEqual([429, 200, 503, 200]);
  });

  test('409 waits for a request with a key, which alone can meet it', async () => {
    await sim.fault({ name: 'conflict-409' });
    expect([(await ask()).status, (await ask('k')).status]).toEqual([200, 409]);
  });

  test('only those made with one API key: another one is as good as before', async () => {
    await sim.fault({ name: 'revoked-key', api_key: 'sk_test_old', times: null });
    const as = (key: string) =>
      sim.call('GET', '/v1/account', undefined, { headers: { authorization: `Bearer ${key}` } });
    expect([(await as('sk_test_old')).status, (await as('sk_test_new')).status]).toEqual([401, 200]);
  });

  test('by a path that ends in a star', async () => {
    await sim.fault({ name: 'refuse-503', path: '/v1/ev*', times: null });
    expect((await sim.call('GET', '/v1/events')).status).toBe(503);
    expect((await sim.call('GET', '/v1/customers')).status).toBe(200);
  });

  test('by chance: the same seed strikes the same ones, another seed others, about as many as asked for', async () => {
    const struck = async (seed: number): Promise<string> => {
      await sim.call('POST', '/_sim/reset');
      await sim.fault({ name: 'refuse-503', method: 'GET', rate: 0.3, seed });
      let row = '';
      for (let i = 0; i < 100; i += 1)
        row += (await sim.call('GET', '/v1/account')).status === 503 ? 'x' : '.';
      return row;
    };
    const [first, again, other] = [await struck(1), await struck(1), await struck(2)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    const times = first.split('x').length - 1;
    expect([times > 15, times < 45]).toEqual([true, true]);
    expect((await shown()).data).toMatchObject([{ rate: 0.3, seed: 2, times: null }]);
  });
});

describe('the list', () => {
  test('shows each active fault with its parameters and how often it struck, and the used-up ones', async () => {
    const { added } = (await sim.fault({ name: 'refuse-503' }, { name: 'rate-limited', times: 3 })).body;
    await ask();
    await ask();
    const { data, used_up } = await shown();
    expect(data).toEqual([
      { ...added[1], id: expect.stringMatching(/^flt_\d+$/), reason: 'global-rate', times: 3, struck: 1 },
    ]);
    expect(used_up).toMatchObject([{ id: added[0].id, name: 'refuse-503', struck: 1 }]);
  });

  test('names every fault there is, with a sentence and what it takes', async () => {
    const { known, every_fault_takes } = await shown();
    expect(known.map((each: { name: string }) => each.name)).toEqual(FAULT_NAMES);
    for (const { name, story } of known)
      expect([name, story]).toEqual([name, expect.stringMatching(/^.+\.$/)]);
    expect(Object.keys(every_fault_takes)).toEqual(
      expect.arrayContaining(['method', 'path', 'keyed', 'times', 'rate', 'seed']),
    );
  });

  test('is cleared as a whole, or fault by fault', async () => {
    const { added } = (await sim.fault({ name: 'refuse-503', times: null }, { name: 'reset' })).body;
    expect((await sim.call('DELETE', `/_sim/faults/${added[1].id}`)).body.data).toMatchObject([
      { id: added[0].id },
    ]);
    expect((await ask()).status).toBe(503);
    expect((await sim.call('DELETE', `/_sim/faults/${added[1].id}`)).status).toBe(404);
    expect((await sim.call('DELETE', '/_sim/faults')).body.data).toEqual([]);
    expect((await ask()).status).toBe(200);
  });

  test('one fault needs no list around it, and may be spelled with underscores', async () => {
    const body = JSON.stringify({ name: 'refuse_503' });
    const added = await sim.call('POST', '/_sim/faults', undefined, { body });
    expect(added.body.data).toMatchObject([{ name: 'refuse-503' }]);
  });
});

describe('what is wrong is refused, and nothing is changed', () => {
  const good = { name: 'refuse-503' };
  test.each<[string, Record<string, unknown>, string]>([
    ['an unknown name', { name: 'gremlins' }, 'unknown: gremlins; known are: reset, hang'],
    [
      'an unknown parameter',
      { name: 'reset', often: true },
      'unknown parameter often of reset; known are: method',
    ],
    ['a parameter of another fault', { name: 'reset', delay_ms: 5 }, 'unknown parameter delay_ms of reset'],
    ['a parameter where there is none', { name: 'expire-keys', times: 2 }, 'of expire-keys; it takes none'],
    ['a rate above 1', { name: 'reset', rate: 2 }, 'rate'],
    ['a rate of 0', { name: 'reset', rate: 0 }, 'rate'],
    ['a seed without a rate', { name: 'reset', seed: 1 }, 'seed goes with rate'],
    ['a path outside', { name: 'reset', path: '/_sim' }, 'begins with /v1'],
    ['a method that is not played', { name: 'reset', method: 'PUT' }, 'GET'],
    ['no times', { name: 'reset', times: 0 }, 'times'],
    ['a reason that is none', { name: 'rate-limited', reason: 'mood' }, 'endpoint-concurrency'],
    ['a length without truncate', { name: 'alter-values', length: 3 }, 'length goes with how: truncate'],
    ['a field that cannot be altered', { name: 'alter-values', field: 'id' }, 'name'],
  ])('%s', async (_story, wrong, said) => {
    const refused = await sim.fault(good, wrong);
    expect(refused.status).toBe(400);
    expect(refused.body.error).toMatch(/^Nothing changed\./);
    expect(refused.body.error).toContain(said);
    expect((await shown()).data).toEqual([]);
    expect((await ask()).status).toBe(200);
  });

  test.each(['[]', '{}', '{"faults":[]}', '"x"', 'not json', '{"faults":[5]}'])(
    'the body %s',
    async (body) => {
      const refused = await sim.call('POST', '/_sim/faults', undefined, { body });
      expect([refused.status, (await shown()).data]).toEqual([400, []]);
    },
  );

  test('more than a thousand', async () => {
    expect((await sim.fault(...Array.from({ length: 1_000 }, () => good))).status).toBe(200);
    expect((await sim.fault(good)).body.error).toContain('At most 1000');
    expect((await shown()).data).toHaveLength(1_000);
  });
});

test('without SIMULATOR_FAULTS=1 there are no faults, and it is said how to open them', async () => {
  const plain = await startForTest();
  for (const [method, path] of [
    ['POST', '/_sim/faults'],
    ['GET', '/_sim/faults'],
    ['DELETE', '/_sim/faults'],
    ['DELETE', '/_sim/faults/flt_1'],
  ] as const) {
    const refused = await plain.call(method, path);
    expect(refused).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining('SIMULATOR_FAULTS=1') },
    });
  }
  await plain.close();
});
