import { INSTALLATION, KEY, MARK, stripeSettings } from '../../../test/contract/stripeSettings';
import { json, raw, startWire } from '../../../test/contract/wire';
import { parseRecordId, parseRemoteId, trusted } from '../../core/ids';
import { createClient } from './client';
import { findCreated, PAGES_MAX } from './findCreated';
import type { Heard, Script, Wire } from '../../../test/contract/wire';

const RECORD = trusted(parseRecordId('01890a5d-ac96-774b-bcce-b302099a8057'), 'record');
const SINCE = 1_772_366_400;
const UNTIL = SINCE + 82_800;

let wire: Wire;
beforeEach(async () => {
  wire = await startWire();
});
afterEach(() => wire.stop());

const search = (others: readonly string[] = [], place: string | null = null) =>
  findCreated(createClient(stripeSettings({ apiBase: wire.url })), INSTALLATION, {
    key: KEY,
    recordId: RECORD,
    since: SINCE,
    until: UNTIL,
    others: others.map((id) => trusted(parseRemoteId(id), 'remote id')),
    place,
  });

const customer = (id: string, mark?: string) => ({
  id,
  object: 'customer',
  metadata: mark === undefined ? {} : { [MARK]: mark },
});
const created = (object: object, key: string | null) => ({
  id: `evt_${JSON.stringify(object).length}`,
  object: 'event',
  type: 'customer.created',
  request: { id: 'req_1', idempotency_key: key },
  data: { object },
});
const page = (data: readonly unknown[], hasMore = false): Script => json(200, { data, has_more: hasMore });

/** Answers the two lists; a function may tell the pages and readings apart. */
function lists(events: (heard: Heard) => Script, customers: (heard: Heard) => Script): void {
  wire.answer((response, heard, number) => {
    const script = heard.path === '/v1/events' ? events(heard) : customers(heard);
    script(response, heard, number);
  });
}

test('3, 48: absent takes two complete readings of both lists, from two hours before the first send to two hours after the last', async () => {
  lists(
    () => page([]),
    () => page([customer('cus_other')]),
  );
  expect(await search()).toMatchObject({ kind: 'answered', value: { kind: 'absent' } });
  expect(wire.heard.map((one) => one.path)).toEqual([
    '/v1/events',
    '/v1/customers',
    '/v1/events',
    '/v1/customers',
  ]);
  const range = {
    'created[gte]': String(SINCE - 7_500),
    'created[lte]': String(UNTIL + 7_500),
    limit: '100',
  };
  expect(wire.heard[0]?.params).toEqual({ ...range, type: 'customer.created' });
  expect(wire.heard[1]?.params).toEqual(range);
});

test('found in the second reading: it surfaced late', async () => {
  lists(
    () => page(wire.heard.length > 2 ? [created(customer('cus_ours', RECORD), KEY)] : []),
    () => page([]),
  );
  expect(await search()).toMatchObject({ value: { kind: 'found', remoteId: 'cus_ours' } });
});

test('what was made is what the event tells, whatever stands there by now; a list alone tells nothing of it', async () => {
  const byEvent = { ...customer('cus_ours', RECORD), name: 'As made' };
  lists(
    () => page([created(byEvent, KEY)]),
    () => page([customer('cus_ours', RECORD)]),
  );
  expect(await search()).toMatchObject({ value: { made: { name: 'As made' } } });
  lists(
    () => page([]),
    () => page([customer('cus_ours', RECORD)]),
  );
  expect(await search()).toMatchObject({ value: { kind: 'found', made: null } });
});

/** As the activity does it: each call goes on where the one before it left off. */
async function searchToTheEnd(): Promise<{ calls: number; last: Awaited<ReturnType<typeof search>> }> {
  let place: string | null = null;
  for (let calls = 1; ; calls += 1) {
    const last = await search([], place);
    if (last.kind === 'failed' || last.value.kind !== 'unfinished') return { calls, last };
    ({ place } = last.value);
    expect(calls).toBeLessThan(20);
  }
}

/** The nth page of a list of so many, a hundred to the page; the last one holds what is given. */
const pages = (count: number, heard: Heard, last: readonly unknown[]): Script => {
  const number = Number((heard.params['starting_after'] ?? 'evt_0').replace('evt_', '')) + 1;
  const other = { ...created(customer('cus_other'), 'other'), id: `evt_${number}` };
  return number < count
    ? page(
        Array.from({ length: 100 }, () => other),
        true,
      )
    : page(last);
};

test('3, I14: what a create made is reached behind 30,000 younger ones, some pages at a time', async () => {
  lists(
    (heard) => pages(301, heard, [created(customer('cus_ours'), KEY)]),
    () => page([]),
  );
  const { calls, last } = await searchToTheEnd();
  expect(last).toMatchObject({ value: { kind: 'found', remoteId: 'cus_ours' } });
  expect(wire.heard).toHaveLength(301);
  expect(calls).toBe(Math.ceil(301 / PAGES_MAX));
});

test('3, I14: absent after several calls takes two complete readings all the same', async () => {
  lists(
    (heard) => pages(150, heard, []),
    () => page([]),
  );
  const { last } = await searchToTheEnd();
  expect(last).toMatchObject({ value: { kind: 'absent' } });
  expect(wire.heard).toHaveLength(2 * (150 + 1));
});

test('what bore our mark in an earlier call is not forgotten, nor that another key made it', async () => {
  const [copy, earlier] = [customer('cus_copy', RECORD), customer('cus_earlier', RECORD)];
  const start = [created(copy, null), created(earlier, 'other')];
  lists(
    (heard) =>
      heard.params['starting_after'] === undefined
        ? page([...start, { ...created(customer('cus_other'), null), id: 'evt_1' }], true)
        : pages(150, heard, []),
    () => page([earlier]),
  );
  const { calls, last } = await searchToTheEnd();
  expect(calls).toBe(2);
  expect(last).toMatchObject({ value: { kind: 'found', remoteId: 'cus_copy', made: null } });
});

test('a page that failed is asked for again, and what was read before it is not', async () => {
  let fails = true;
  lists(
    (heard) => {
      if (fails && heard.params['starting_after'] === 'evt_50') {
        fails = false;
        return raw(502, 'text/html', '');
      }
      return pages(60, heard, [created(customer('cus_ours'), KEY)]);
    },
    () => page([]),
  );
  const { calls, last } = await searchToTheEnd();
  expect(calls).toBe(2);
  expect(last).toMatchObject({ value: { kind: 'found', remoteId: 'cus_ours' } });
  expect(wire.heard).toHaveLength(61);
});

test('the item after which a search was to go on is gone: it begins anew', async () => {
  let goneOnce = true;
  lists(
    (heard) => {
      if (goneOnce && heard.params['starting_after'] === 'evt_100') {
        goneOnce = false;
        return json(404, { error: { code: 'resource_missing' } });
      }
      return pages(120, heard, [created(customer('cus_ours'), KEY)]);
    },
    () => page([]),
  );
  expect((await searchToTheEnd()).last).toMatchObject({ value: { kind: 'found', remoteId: 'cus_ours' } });
  expect(wire.heard).toHaveLength(100 + 1 + 120);
});

test('found on a later page', async () => {
  lists(
    ({ params }) =>
      params['starting_after'] === undefined
        ? page([created(customer('cus_other'), 'other')], true)
        : page([created(customer('cus_ours'), KEY)]),
    () => page([]),
  );
  expect(await search()).toMatchObject({ value: { kind: 'found', remoteId: 'cus_ours' } });
});

test('60: an earlier generation of the record bears our mark and another key: not what is looked for', async () => {
  const earlier = customer('cus_earlier', RECORD);
  lists(
    () => page([created(earlier, 'cp_c0ffee00c0ffee00_stripe_earlier')]),
    () => page([earlier]),
  );
  expect(await search()).toMatchObject({ value: { kind: 'absent' } });
});

test('a server that ignores the filter: an update by another key does not hide our creation', async () => {
  const ours = customer('cus_ours', RECORD);
  lists(
    () => page([{ ...created(ours, 'other'), type: 'customer.updated' }]),
    () => page([ours]),
  );
  expect(await search()).toMatchObject({ value: { kind: 'found', remoteId: 'cus_ours' } });
});

test('an item that cannot be read might be the one: a failure, never absent', async () => {
  for (const odd of [null, created({ id: 'cus_1' }, KEY), { object: 'event', type: 'customer.created' }]) {
    lists(
      () => page([odd]),
      () => page([]),
    );
    expect(await search()).toMatchObject({ failure: { kind: 'unavailable', code: 'unexpected_shape' } });
  }
  lists(
    () => page([]),
    () => page([{ id: 'cus_1' }]),
  );
  expect(await search()).toMatchObject({ failure: { kind: 'unavailable', code: 'unexpected_shape' } });
});

test('a server that names no keys: the oldest with our mark, for copies are younger', async () => {
  lists(
    () => page([created(customer('cus_copy', RECORD), null), created(customer('cus_ours', RECORD), null)]),
    () => page([]),
  );
  expect(await search()).toMatchObject({ value: { kind: 'found', remoteId: 'cus_ours' } });
});

test('an object of an earlier generation bears our mark too and is not meant, where no key tells', async () => {
  lists(
    () => page([created(customer('cus_before', RECORD), null)]),
    () => page([customer('cus_before', RECORD)]),
  );
  expect(await search(['cus_before'])).toMatchObject({ value: { kind: 'absent' } });
  expect(await search()).toMatchObject({ value: { kind: 'found', remoteId: 'cus_before' } });
});

describe('a server without events', () => {
  test('is searched by its list alone', async () => {
    lists(
      () => raw(404, 'text/html', 'Cannot GET /v1/events'),
      () => page([customer('cus_copy', RECORD), customer('cus_ours', RECORD)]),
    );
    expect(await search()).toMatchObject({ value: { kind: 'found', remoteId: 'cus_ours' } });
  });

  test('and may still say absent', async () => {
    lists(
      () => raw(404, 'text/html', 'Cannot GET /v1/events'),
      () => page([]),
    );
    expect(await search()).toMatchObject({ value: { kind: 'absent' } });
  });
});

test.each([
  ['an outage', raw(502, 'text/html', ''), 'unavailable', 'not_json'],
  [
    'a limit',
    json(429, { error: { type: 'invalid_request_error', code: 'rate_limit' } }),
    'rate-limited',
    'rate_limit',
  ],
  ['a page that is no list', json(200, { object: 'list' }), 'unavailable', 'unexpected_shape'],
  ['"there is more" after nothing', page([], true), 'unavailable', 'unexpected_shape'],
  [
    'an anchor that is gone',
    json(404, { error: { code: 'resource_missing' } }),
    'unavailable',
    'resource_missing',
  ],
])('%s in any list of any reading is a failure, never absent', async (_story, script, kind, code) => {
  for (const bad of [1, 2, 3, 4]) {
    let number = 0;
    const one = (): Script => (++number === bad ? script : page([]));
    lists(one, one);
    expect(await search()).toMatchObject({ kind: 'failed', failure: { kind, code, definite: false } });
  }
});

test('a page that ends where it began would be read for ever: a failure', async () => {
  lists(
    () => page([created(customer('cus_other'), 'other')], true),
    () => page([]),
  );
  const { last } = await searchToTheEnd();
  expect(last).toMatchObject({
    failure: { kind: 'unavailable', code: 'unexpected_shape', definite: false },
  });
});
