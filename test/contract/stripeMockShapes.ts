/** Every shape of request that the product sends to Stripe, each with the routes it takes. */
import { INSTALLATION, KEY } from './stripeSettings';
import { parseRecordId, trusted } from '../../src/core/ids';
import type StripeSdk from 'stripe';
import type { Connector, RemoteCatalog } from '../../src/connectors/connector';
import type { RemoteId } from '../../src/core/ids';

export const RECORD = trusted(parseRecordId('0198c1f2-0000-7000-8000-000000000001'), 'record id');

export interface Stage {
  readonly connector: Connector;
  readonly customers: RemoteCatalog;
  readonly sdk: StripeSdk;
  /** A customer that is there. */
  readonly id: RemoteId;
}

const ADDRESS = {
  city: 'Bern',
  country: 'CH',
  line1: 'Gasse 1',
  line2: '',
  postal_code: '3000',
  state: 'BE',
};
const EVERYTHING: StripeSdk.CustomerCreateParams = {
  name: 'Ada Lovelace',
  email: 'ada@example.com',
  description: 'A countess',
  phone: '+41 31 000 00 00',
  business_name: 'Analytical Engines',
  individual_name: 'Augusta Ada King',
  balance: -5,
  invoice_prefix: 'ADA1815',
  next_invoice_sequence: 7,
  preferred_locales: ['de', 'en'],
  tax_exempt: 'exempt',
  address: ADDRESS,
  shipping: { address: ADDRESS, name: 'Ada', phone: '1' },
  metadata: { plan: 'gold' },
};

/** What the product asks of Stripe, in the connector's words; and what a set-up asks, in the SDK's. */
export const SHAPES: readonly [story: string, ask: (stage: Stage) => Promise<unknown>, expected: string[]][] =
  [
    ['whose key it is', ({ connector }) => connector.identify(), ['GET /v1/account']],
    [
      'a create with mark and key',
      ({ customers }) => customers.create({ name: 'Ada', email: 'ada@example.com' }, RECORD, KEY),
      ['POST /v1/customers'],
    ],
    [
      'a create without values',
      ({ customers }) => customers.create({ name: null, email: null }, RECORD, `${KEY}1`),
      ['POST /v1/customers'],
    ],
    ['a read', ({ customers, id }) => customers.read(id), ['GET /v1/customers/:id']],
    [
      'an update of one field',
      ({ customers, id }) => customers.update(id, { name: 'Bea' }, `${KEY}2`),
      ['POST /v1/customers/:id'],
    ],
    [
      'an update that unsets fields',
      ({ customers, id }) => customers.update(id, { name: null, email: null }, `${KEY}3`),
      ['POST /v1/customers/:id'],
    ],
    ['a deletion', ({ customers, id }) => customers.remove(id), ['DELETE /v1/customers/:id']],
    [
      'a read of what was deleted',
      async ({ customers, id }) => {
        await customers.remove(id);
        await customers.read(id);
      },
      ['DELETE /v1/customers/:id', 'GET /v1/customers/:id'],
    ],
    [
      'a deletion of what was deleted: an error',
      async ({ customers, id }) => {
        await customers.remove(id);
        await customers.remove(id);
      },
      ['DELETE /v1/customers/:id', 'DELETE /v1/customers/:id'],
    ],
    [
      'who has an e-mail, in two writings',
      async ({ customers }) => customers.findAlike?.('Ada@example.com'),
      ['GET /v1/customers', 'GET /v1/customers'],
    ],
    [
      'the search for a lost create, two readings of both lists',
      ({ customers }) =>
        customers.findCreated({ key: KEY, recordId: RECORD, since: 1_700_000_000, until: 1_700_000_000 }),
      ['GET /v1/events', 'GET /v1/customers', 'GET /v1/events', 'GET /v1/customers'],
    ],
    [
      'the events of three types, page after page',
      async ({ connector, customers, id }) => {
        await customers.update(id, { name: 'Cleo' }, `${KEY}4`);
        const first = await connector.listEvents?.({ before: null, limit: 1 });
        const before = first?.kind === 'answered' ? (first.value.events[0]?.id ?? null) : null;
        expect(before).not.toBeNull();
        await connector.listEvents?.({ before, limit: 100 });
      },
      ['POST /v1/customers/:id', 'GET /v1/events', 'GET /v1/events'],
    ],
    [
      'lists by e-mail, by time and page by page',
      async ({ sdk, id }) => {
        await sdk.customers.list({ email: 'ada@example.com' });
        await sdk.customers.list({ created: { gte: 1_700_000_000, lt: 2_000_000_000 }, limit: 1 });
        await sdk.customers.list({ starting_after: id, limit: 100 });
        await sdk.customers.list({ ending_before: id });
      },
      Array.from({ length: 4 }, () => 'GET /v1/customers'),
    ],
    [
      'every field of a customer that the simulator plays',
      ({ sdk }) => sdk.customers.create(EVERYTHING),
      ['POST /v1/customers'],
    ],
    [
      'one event, and events of a pattern',
      async ({ sdk }) => {
        const { data } = await sdk.events.list({ type: 'customer.*', delivery_success: true });
        await sdk.events.retrieve(data[0]?.id ?? '');
      },
      ['GET /v1/events', 'GET /v1/events/:id'],
    ],
    [
      'a webhook endpoint: made, shown, listed, changed, removed',
      async ({ sdk }) => {
        const { id } = await sdk.webhookEndpoints.create({
          url: 'https://example.com/webhooks/stripe',
          enabled_events: ['customer.created', 'customer.updated', 'customer.deleted'],
          description: 'Counterpart',
          metadata: { installation: INSTALLATION },
          // The newest that this stripe-mock knows.
          api_version: '2026-08-26.dahlia',
        });
        await sdk.webhookEndpoints.retrieve(id);
        await sdk.webhookEndpoints.list({ limit: 100 });
        await sdk.webhookEndpoints.update(id, { enabled_events: ['*'], disabled: true, description: '' });
        await sdk.webhookEndpoints.del(id);
      },
      [
        'POST /v1/webhook_endpoints',
        'GET /v1/webhook_endpoints/:id',
        'GET /v1/webhook_endpoints',
        'POST /v1/webhook_endpoints/:id',
        'DELETE /v1/webhook_endpoints/:id',
      ],
    ],
    ['the balance', ({ sdk }) => sdk.balance.retrieve(), ['GET /v1/balance']],
  ];
