import { INSTALLATION, MARK, stripeSettings } from '../../../test/contract/stripeSettings';
import { json, raw, startWire } from '../../../test/contract/wire';
import { createClient } from './client';
import { listEvents, remoteEvent } from './events';
import type { Wire } from '../../../test/contract/wire';

const RECORD = '01890a5d-ac96-774b-bcce-b302099a8057';
const customer = { id: 'cus_1', object: 'customer', name: 'Ada', email: null, metadata: { [MARK]: RECORD } };
const event = {
  id: 'evt_1',
  object: 'event',
  type: 'customer.updated',
  created: 1_772_366_400,
  livemode: false,
  api_version: '2026-10-28.endive',
  request: { id: 'req_1', idempotency_key: 'cp_x' },
  data: { object: customer, previous_attributes: { name: 'A', phone: '1', metadata: {} } },
};

describe('one event in our words', () => {
  test('an update tells what stood there before, of the synced fields only', () => {
    expect(remoteEvent(event, INSTALLATION)).toEqual({
      id: 'evt_1',
      type: 'customer.updated',
      subject: {
        catalog: 'customer',
        remoteId: 'cus_1',
        change: 'updated',
        claims: RECORD,
        previous: { name: 'A' },
        fields: { name: 'Ada', email: null },
      },
      causedByKey: 'cp_x',
      createdAt: 1_772_366_400,
      account: null,
      live: false,
    });
  });

  test.each([
    [
      'a field that had no value is told as null',
      { object: customer, previous_attributes: { email: null } },
      { email: null },
    ],
    [
      'a change of nothing we sync tells of nothing',
      { object: customer, previous_attributes: { phone: '1' } },
      {},
    ],
    ['a server that tells nothing', { object: customer }, null],
  ])('%s', (_story, data, previous) => {
    expect(remoteEvent({ ...event, data }, INSTALLATION)?.subject?.previous).toEqual(previous);
  });

  test('a deletion carries the object as it was', () => {
    const subject = remoteEvent(
      { ...event, type: 'customer.deleted', data: { object: customer } },
      INSTALLATION,
    )?.subject;
    expect(subject).toMatchObject({
      change: 'deleted',
      claims: RECORD,
      previous: null,
      fields: { name: 'Ada' },
    });
  });

  test.each([
    ['of Stripe itself', null],
    ['of an old API version, a bare id', 'req_1'],
    ['without a key', { id: 'req_1', idempotency_key: null }],
    ['of a server that sends none', undefined],
  ])('a request %s names no key', (_story, request) => {
    expect(remoteEvent({ ...event, request }, INSTALLATION)?.causedByKey).toBeNull();
  });

  test.each(['customer.subscription.created', 'invoice.paid', 'constructor', 'customer.created.v2'])(
    'an event of the type %s is kept without a subject',
    (type) => {
      expect(remoteEvent({ ...event, type }, INSTALLATION)).toMatchObject({
        id: 'evt_1',
        type,
        subject: null,
      });
    },
  );

  test('text that cannot be stored is told with the replacement character, and is news', () => {
    const object = { ...customer, name: 'A\u0000da', email: 'a\udc00@example.com' };
    const data = { object, previous_attributes: { name: '\ud83d', email: '\u{1f600}@example.com' } };
    expect(remoteEvent({ ...event, data }, INSTALLATION)?.subject).toMatchObject({
      fields: { name: 'A\ufffdda', email: 'a\ufffd@example.com' },
      previous: { name: '\ufffd', email: '\u{1f600}@example.com' },
    });
  });

  test('a key, or an id of a customer, that cannot be stored is none', () => {
    const request = { id: 'req_1', idempotency_key: 'cp_x\u0000' };
    expect(remoteEvent({ ...event, request }, INSTALLATION)?.causedByKey).toBeNull();
    const data = { object: { ...customer, id: 'cus_\u0000' } };
    expect(remoteEvent({ ...event, data }, INSTALLATION)).toMatchObject({ id: 'evt_1', subject: null });
  });

  test('an event about a customer that cannot be read is kept without a subject', () => {
    for (const object of [null, 'cus_1', { object: 'customer' }, { id: 'cus_1', object: 'account' }]) {
      expect(remoteEvent({ ...event, data: { object } }, INSTALLATION)).toMatchObject({
        id: 'evt_1',
        subject: null,
      });
    }
    expect(remoteEvent({ ...event, data: undefined }, INSTALLATION)?.subject).toBeNull();
  });

  test("24: another account's or mode's event says so", () => {
    expect(remoteEvent({ ...event, account: 'acct_2', livemode: true }, INSTALLATION)).toMatchObject({
      account: 'acct_2',
      live: true,
    });
  });

  test.each([
    ['null', null],
    ['a list', [event]],
    ['a text', 'evt_1'],
    ['a thin event', { id: 'evt_1', object: 'v2.core.event', type: 'v1.customer.created' }],
    ['without an id', { ...event, id: undefined }],
    ['an id with a space in it', { ...event, id: 'evt 1' }],
    ['an endless id', { ...event, id: 'e'.repeat(256) }],
    ['an id with NUL in it', { ...event, id: 'evt_\u0000' }],
    ['an id with half a character in it', { ...event, id: 'evt_\ud83d' }],
    ['without a type', { ...event, type: null }],
    ['a type with NUL in it', { ...event, type: 'customer.\u0000' }],
    ['a time before all time', { ...event, created: -1e15 }],
    ['a time after all time', { ...event, created: 1e15 }],
    ['without a time', { ...event, created: '2026' }],
  ])('%s is no event', (_story, body) => {
    expect(remoteEvent(body, INSTALLATION)).toBeNull();
  });
});

describe('the list', () => {
  let wire: Wire;
  beforeEach(async () => {
    wire = await startWire();
  });
  afterEach(() => wire.stop());
  const list = (before: string | null, limit: number) =>
    listEvents(createClient(stripeSettings({ apiBase: wire.url })), INSTALLATION, { before, limit });

  test('asks for our types alone, pages back, keeps to the limit of Stripe', async () => {
    wire.answer(json(200, { object: 'list', data: [event], has_more: true }));
    expect(await list('evt_9', 1_000)).toMatchObject({ value: { events: [{ id: 'evt_1' }], hasMore: true } });
    await list(null, 0);
    const types = {
      'types[0]': 'customer.created',
      'types[1]': 'customer.updated',
      'types[2]': 'customer.deleted',
    };
    expect(wire.heard.map((one) => one.params)).toEqual([
      { ...types, limit: '100', starting_after: 'evt_9' },
      { ...types, limit: '1' },
    ]);
  });

  test.each([
    [
      'a 404 of Stripe’s kind',
      json(404, { error: { type: 'invalid_request_error', message: 'Unrecognized' } }),
    ],
    ['a 404 of another kind', raw(404, 'text/html', 'Cannot GET /v1/events')],
    ['a 405', raw(405, 'text/plain', 'no')],
    ['a 501', json(501, { error: 'not implemented' })],
  ])('a server without the route says so by %s: gone', async (_story, script) => {
    wire.answer(script);
    expect(await list(null, 10)).toMatchObject({ kind: 'failed', failure: { kind: 'gone' } });
  });

  test('a page anchor that is no longer known is not a missing route', async () => {
    const error = { type: 'invalid_request_error', code: 'resource_missing', param: 'starting_after' };
    wire.answer(json(404, { error }));
    expect(await list('evt_old', 10)).toMatchObject({
      failure: { kind: 'rejected', code: 'resource_missing' },
    });
  });

  test('what is no event is named beside the others, alike each time, and holds up none of them', async () => {
    const odd = { object: 'event', created: '2026' };
    wire.answer(json(200, { data: [{ id: 'evt_2' }, event, odd, odd], has_more: true }));
    const name = expect.stringMatching(/^unreadable_[0-9a-f]{16}$/) as string;
    const answer = await list(null, 10);
    expect(answer).toMatchObject({
      value: { events: [{ id: 'evt_1' }], hasMore: true, unreadable: ['evt_2', name, name] },
    });
    expect(await list(null, 10)).toEqual({ ...answer, requestId: expect.anything() as unknown });
  });

  test('a page on which nothing is an event is no page', async () => {
    for (const body of [
      { data: [{ id: 'evt_2' }], has_more: false },
      { data: [event] },
      { has_more: false },
    ]) {
      wire.answer(json(200, body));
      expect(await list(null, 10)).toMatchObject({
        failure: { kind: 'unavailable', code: 'unexpected_shape' },
      });
    }
  });
});
