import StripeSdk from 'stripe';
import { INSTALLATION } from '../../../test/contract/stripeSettings';
import { receive } from './webhook';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const SECRET = 'whsec_current';
const event = {
  id: 'evt_1',
  object: 'event',
  type: 'customer.deleted',
  created: NOW / 1000,
  livemode: false,
  data: { object: { id: 'cus_1', object: 'customer', metadata: {} } },
};

function signature(payload: string, { at = NOW, secret = SECRET } = {}): string {
  return StripeSdk.webhooks.generateTestHeaderString({ payload, secret, timestamp: at / 1000 });
}

function deliver(
  payload: string | Buffer,
  header: string | undefined,
  secrets: readonly string[] = [SECRET],
) {
  return receive(Buffer.from(payload), { 'stripe-signature': header }, NOW, secrets, INSTALLATION);
}

const body = JSON.stringify(event);

test('a signed event is read', () => {
  expect(deliver(body, signature(body))).toMatchObject({
    kind: 'event',
    event: { id: 'evt_1', subject: { change: 'deleted', remoteId: 'cus_1' } },
  });
});

test('the name of the header may be written in any way', () => {
  const headers = { 'Stripe-Signature': signature(body) };
  expect(receive(Buffer.from(body), headers, NOW, [SECRET], INSTALLATION).kind).toBe('event');
});

test('20: while a secret is rotated both are accepted, and so is a header that bears both signatures', () => {
  const secrets = ['whsec_next', SECRET];
  expect(deliver(body, signature(body), secrets).kind).toBe('event');
  expect(deliver(body, signature(body, { secret: 'whsec_next' }), secrets).kind).toBe('event');
  const [, next] = signature(body, { secret: 'whsec_next' }).split(',');
  expect(deliver(body, `${signature(body, { secret: 'whsec_gone' })},${next}`, secrets).kind).toBe('event');
});

test.each([
  ['without a signature', body, undefined],
  ['with an empty one', body, ''],
  ['with nonsense for one', body, 't=,v1=,'],
  ['with an empty signature beside the right one', body, `${signature(body)},v1=`],
  ['with letters of several bytes for a signature', body, `t=${NOW / 1000},v1=${'é'.repeat(64)}`],
  ['with no time', body, signature(body).replace(/t=\d+/, 't=x')],
  ['with the scheme of test deliveries', body, signature(body).replace('v1=', 'v0=')],
  ['signed by another secret', body, signature(body, { secret: 'whsec_other' })],
  ['with one byte changed', body.replace('cus_1', 'cus_2'), signature(body)],
  ['signed more than five minutes ago', body, signature(body, { at: NOW - 301_000 })],
  [
    'with the time of an old signature moved to now',
    body,
    signature(body, { at: NOW - 301_000 }).replace(/t=\d+/, `t=${NOW / 1000}`),
  ],
  ['with bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x00]), signature('\ufffd\ufffd')],
  ['that is empty and unsigned', '', signature(body)],
])('19: a delivery %s is forged', (_story, payload, header) => {
  expect(deliver(payload, header)).toEqual({ kind: 'forged' });
});

test('a signature of just under five minutes ago is accepted', () => {
  expect(deliver(body, signature(body, { at: NOW - 299_000 })).kind).toBe('event');
});

test('48: our clock is an hour behind: a signature from the future is no replay', () => {
  expect(deliver(body, signature(body, { at: NOW + 3_600_000 })).kind).toBe('event');
});

test('without a secret, or with an empty one, nothing is ever accepted', () => {
  expect(deliver(body, signature(body), [])).toEqual({ kind: 'forged' });
  expect(deliver(body, signature(body), ['', ' '])).toEqual({ kind: 'forged' });
});

test.each([
  ['no JSON', 'hello'],
  ['half a JSON', body.slice(0, -1)],
  ['a list', '[]'],
  ['null', 'null'],
  ['a text', '"evt_1"'],
  ['an object that is no event', '{"id":"cus_1","object":"customer"}'],
  ['a thin event', '{"id":"evt_1","object":"v2.core.event","type":"v1.customer.created"}'],
  ['an event without an id', JSON.stringify({ ...event, id: undefined })],
  ['an id with NUL in it', JSON.stringify({ ...event, id: 'evt_\u0000' })],
  ['a type with NUL in it', JSON.stringify({ ...event, type: 'customer.\u0000' })],
  ['a time beyond what can be stored', JSON.stringify({ ...event, created: 1e15 })],
  ['JSON that is very deep', '['.repeat(200_000)],
])('23: %s, well signed, is malformed and does no harm', (_story, payload) => {
  expect(deliver(payload, signature(payload))).toEqual({ kind: 'malformed' });
});

test('an event of a type we do not know is kept', () => {
  const payload = JSON.stringify({ ...event, type: 'radar.early_fraud_warning.created' });
  expect(deliver(payload, signature(payload))).toMatchObject({
    kind: 'event',
    event: { id: 'evt_1', subject: null },
  });
});
