import { startForTest, type TestSimulator } from './client-for-tests';

let sim: TestSimulator;
beforeAll(async () => {
  sim = await startForTest();
});
afterAll(() => sim.close());
beforeEach(() => sim.call('POST', '/_sim/reset'));

describe('a customer', () => {
  test('is created with the fields real customers have, and read back', async () => {
    const created = await sim.call('POST', '/v1/customers', {
      name: 'Ann Lee',
      email: 'Ann@Example.com',
      'metadata[plan]': 'gold',
      'address[city]': 'Bern',
    });
    expect(created.status).toBe(200);
    expect(created.body).toMatchObject({
      id: expect.stringMatching(/^cus_[A-Za-z0-9]{14}$/),
      object: 'customer',
      name: 'Ann Lee',
      email: 'Ann@Example.com',
      metadata: { plan: 'gold' },
      address: { city: 'Bern', line1: null },
      balance: 0,
      livemode: false,
      shipping: null,
      tax_exempt: 'none',
    });
    const read = await sim.call('GET', `/v1/customers/${created.body.id}`);
    expect(read.body).toEqual(created.body);
  });

  test('an empty value unsets a field, an empty metadata value unsets a key, empty metadata unsets all', async () => {
    const { id } = await sim.customer({
      name: 'Ann',
      email: 'a@b.co',
      'metadata[a]': '1',
      'metadata[b]': '2',
    });
    const once = await sim.call('POST', `/v1/customers/${id}`, { name: '', 'metadata[a]': '' });
    expect(once.body).toMatchObject({ name: null, email: 'a@b.co', metadata: { b: '2' } });
    const twice = await sim.call('POST', `/v1/customers/${id}`, { email: '', metadata: '' });
    expect(twice.body).toMatchObject({ email: null, metadata: {} });
  });

  test('deleted: reads as a tombstone, is absent from lists, and cannot be changed or deleted again', async () => {
    const { id } = await sim.customer();
    expect((await sim.call('DELETE', `/v1/customers/${id}`)).body).toEqual({
      id,
      object: 'customer',
      deleted: true,
    });
    expect(await sim.call('GET', `/v1/customers/${id}`)).toMatchObject({
      status: 200,
      body: { deleted: true },
    });
    expect((await sim.call('GET', '/v1/customers')).body.data).toEqual([]);
    for (const method of ['POST', 'DELETE']) {
      expect(await sim.call(method, `/v1/customers/${id}`)).toMatchObject({
        status: 404,
        body: { error: { code: 'resource_missing', param: 'id', message: `No such customer: '${id}'` } },
      });
    }
  });
});

const over = (length: number): string => 'x'.repeat(length);

describe('refused, in the words of the vendor', () => {
  const cases: [string, Record<string, string>, Record<string, unknown>][] = [
    [
      'an e-mail without domain',
      { email: 'foo' },
      { code: 'email_invalid', message: 'Invalid email address: foo' },
    ],
    ['an e-mail with a space', { email: 'a b@c.de' }, { code: 'email_invalid', param: 'email' }],
    ['a name of 257 characters', { name: over(257) }, { param: 'name' }],
    ['an e-mail of 513 characters', { email: `${over(508)}@b.co` }, { param: 'email' }],
    ['an unknown parameter', { nmae: 'x' }, { code: 'parameter_unknown', param: 'nmae' }],
    ['a metadata key of 41 characters', { [`metadata[${over(41)}]`]: 'x' }, { param: 'metadata' }],
    ['a metadata value of 501 characters', { 'metadata[k]': over(501) }, { param: 'metadata[k]' }],
    ['metadata that is a plain value', { metadata: 'x' }, { param: 'metadata' }],
    ['a name that is a hash', { 'name[a]': 'x' }, { param: 'name' }],
    ['a parameter we do not play', { source: 'tok_visa' }, { param: 'source' }],
    ['a balance that is no number', { balance: 'much' }, { code: 'parameter_invalid_integer' }],
  ];
  test.each(cases)('%s', async (_story, form, error) => {
    const answer = await sim.call('POST', '/v1/customers', form);
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { type: 'invalid_request_error', ...error } },
    });
    expect((await sim.call('GET', '/v1/events')).body.data).toEqual([]);
  });

  test('a name of 256 emoji is within the limit, counted in characters', async () => {
    expect((await sim.call('POST', '/v1/customers', { name: '🙂'.repeat(256) })).status).toBe(200);
  });

  test('the 51st metadata key', async () => {
    const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`metadata[k${i}]`, 'v']));
    const { id } = await sim.customer(fifty);
    expect((await sim.call('POST', `/v1/customers/${id}`, { 'metadata[more]': 'v' })).status).toBe(400);
    expect((await sim.call('POST', `/v1/customers/${id}`, { 'metadata[k1]': 'w' })).status).toBe(200);
  });
});

describe('lists', () => {
  test('are newest first, paged by starting_after and ending_before', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) ids.unshift((await sim.customer({ name: `n${i}` })).id);
    const page = async (query: string): Promise<unknown> => {
      const { body } = await sim.call('GET', `/v1/customers?${query}`);
      return { ids: body.data.map((each: { id: string }) => each.id), more: body.has_more };
    };
    expect(await page('limit=2')).toEqual({ ids: ids.slice(0, 2), more: true });
    expect(await page(`limit=2&starting_after=${ids[1]}`)).toEqual({ ids: ids.slice(2, 4), more: true });
    expect(await page(`limit=2&starting_after=${ids[3]}`)).toEqual({ ids: ids.slice(4), more: false });
    expect(await page(`limit=2&ending_before=${ids[4]}`)).toEqual({ ids: ids.slice(2, 4), more: true });
    await sim.call('DELETE', `/v1/customers/${ids[1]}`);
    expect(await page(`limit=2&starting_after=${ids[1]}`)).toEqual({ ids: ids.slice(2, 4), more: true });
  });

  test('filter by e-mail exactly and case-sensitively', async () => {
    await sim.customer({ email: 'Ann@example.com' });
    const exact = await sim.call('GET', '/v1/customers?email=Ann%40example.com');
    const other = await sim.call('GET', '/v1/customers?email=ann%40example.com');
    expect([exact.body.data.length, other.body.data.length]).toEqual([1, 0]);
  });

  test('filter by time of creation', async () => {
    const { created } = await sim.customer();
    const count = async (query: string) => (await sim.call('GET', `/v1/customers?${query}`)).body.data.length;
    expect(await count(`created[gte]=${created}`)).toBe(1);
    expect(await count(`created[gt]=${created}`)).toBe(0);
    expect(await count(`created=${created}`)).toBe(1);
    expect(await count(`created[lt]=${created}`)).toBe(0);
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=many', 'limit'],
    ['starting_after=cus_unknown', 'starting_after'],
    ['created[after]=1', 'created[after]'],
    ['page=2', 'page'],
  ])('refuse %s', async (query, param) => {
    expect(await sim.call('GET', `/v1/customers?${query}`)).toMatchObject({
      status: 400,
      body: { error: { param } },
    });
  });
});
