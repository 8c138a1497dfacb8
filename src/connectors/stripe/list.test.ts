import { INSTALLATION, stripeSettings } from '../../../test/contract/stripeSettings';
import { json, startWire } from '../../../test/contract/wire';
import { createClient } from './client';
import { findAlike, listCustomers } from './list';
import type { Script, Wire } from '../../../test/contract/wire';

let wire: Wire;
beforeEach(async () => {
  wire = await startWire();
});
afterEach(() => wire.stop());

const list = (after: string | null) =>
  listCustomers(createClient(stripeSettings({ apiBase: wire.url })), INSTALLATION, { after, limit: 100 });
const customer = (id: string, created: number) => ({ id, object: 'customer', name: id, created });
const page = (data: readonly unknown[], hasMore: boolean): Script => json(200, { data, has_more: hasMore });
const forgotten = json(400, {
  error: { type: 'invalid_request_error', code: 'resource_missing', param: 'starting_after' },
});

/** Answers call after call. */
function answers(...scripts: readonly Script[]): void {
  wire.answer((response, heard, number) => scripts[wire.heard.length - 1]?.(response, heard, number));
}

test('each page begins after the last of the one before; the last has no next', async () => {
  answers(page([customer('cus_2', 20), customer('cus_1', 10)], true), page([customer('cus_0', 5)], false));
  const first = await list(null);
  expect(first).toMatchObject({ value: { objects: [{ remoteId: 'cus_2' }, { remoteId: 'cus_1' }] } });
  const next = first.kind === 'answered' ? first.value.next : null;
  expect(await list(next)).toMatchObject({ value: { objects: [{ remoteId: 'cus_0' }], next: null } });
  expect(wire.heard.map(({ params }) => params)).toEqual([
    { limit: '100' },
    { limit: '100', starting_after: 'cus_1' },
  ]);
});

test('the last customer of a page was deleted and is known no more: none is left out', async () => {
  answers(forgotten, page([customer('cus_0', 10)], false));
  expect(await list('cus_1@10')).toMatchObject({ value: { objects: [{ remoteId: 'cus_0' }], next: null } });
  expect(wire.heard[1]?.params).toEqual({ limit: '100', 'created[lte]': '10' });
});

test('what cannot be read is named beside the others; the next page begins after the last that can', async () => {
  const odd = { id: 'cus_odd', object: 'invoice' };
  answers(page([customer('cus_2', 20), odd, customer('cus_1', 10), { object: 'customer' }], true));
  expect(await list(null)).toMatchObject({
    value: {
      objects: [{ remoteId: 'cus_2' }, { remoteId: 'cus_1' }],
      next: 'cus_1@10',
      unreadable: ['cus_odd', expect.stringMatching(/^unreadable_[0-9a-f]{16}$/)],
    },
  });
});

test('one that cannot be read does not hide who else has an e-mail', async () => {
  answers(page([{ id: 'cus_odd' }, customer('cus_1', 10)], false));
  const client = createClient(stripeSettings({ apiBase: wire.url }));
  expect(await findAlike(client, INSTALLATION, 'ada@example.com')).toMatchObject({
    value: [{ remoteId: 'cus_1' }],
  });
});

test.each([
  ['nothing but something that is no customer', [{ id: 'inv_1', object: 'invoice' }], false],
  ['more of them after nothing', [], true],
])('a page with %s is no page: the list is never taken for shorter than it is', async (_, data, hasMore) => {
  answers(page(data, hasMore));
  expect(await list(null)).toMatchObject({
    kind: 'failed',
    failure: { kind: 'unavailable', code: 'unexpected_shape' },
  });
});

test('Stripe’s filter is case-sensitive: it is asked for the address as it stands here and for its canonical form', async () => {
  const client = createClient(stripeSettings({ apiBase: wire.url }));
  answers(page([customer('cus_1', 10)], false), page([customer('cus_2', 20)], false), page([], false));
  expect(await findAlike(client, INSTALLATION, ' Ada@Example.com')).toMatchObject({
    value: [{ remoteId: 'cus_1' }, { remoteId: 'cus_2' }],
  });
  expect(await findAlike(client, INSTALLATION, 'ada@example.com')).toMatchObject({ value: [] });
  expect(wire.heard.map(({ params }) => params['email'])).toEqual([
    'Ada@Example.com',
    'ada@example.com',
    'ada@example.com',
  ]);
});
