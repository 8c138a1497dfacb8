/**
 * The endpoints under /v1. Each route first prepares (validates; its 400s are not remembered under an
 * idempotency key) and returns what executes (its answer and its errors are).
 */

import type { Account, Origin } from './account';
import { readCustomerChange } from './customer-fields';
import { endpointObject } from './endpoints';
import { badRequest, noAccess, unknownUrl } from './errors';
import type { Params } from './form';
import { onlyKnown, readBoolean, readCreated, readList, readString } from './params';
import { PAGE_PARAMS, readPage } from './shelf';

export type Call = { account: Account; id: string; params: Params; origin: Origin };
export type Execute = () => unknown;
type Route = { method: string; path: string; prepare: (call: Call) => Execute };

const MAX_EMAIL_FILTER_CHARS = 512;
const MAX_EVENT_TYPES = 20;

const routes: Route[] = [
  { method: 'POST', path: '/v1/customers', prepare: createCustomer },
  { method: 'GET', path: '/v1/customers', prepare: listCustomers },
  { method: 'GET', path: '/v1/customers/search', prepare: refuseSearch },
  { method: 'GET', path: '/v1/customers/:id', prepare: retrieveCustomer },
  { method: 'POST', path: '/v1/customers/:id', prepare: updateCustomer },
  { method: 'DELETE', path: '/v1/customers/:id', prepare: deleteCustomer },
  { method: 'GET', path: '/v1/events', prepare: listEvents },
  { method: 'GET', path: '/v1/events/:id', prepare: retrieveEvent },
  { method: 'POST', path: '/v1/webhook_endpoints', prepare: createEndpoint },
  { method: 'GET', path: '/v1/webhook_endpoints', prepare: listEndpoints },
  { method: 'GET', path: '/v1/webhook_endpoints/:id', prepare: retrieveEndpoint },
  { method: 'POST', path: '/v1/webhook_endpoints/:id', prepare: updateEndpoint },
  { method: 'DELETE', path: '/v1/webhook_endpoints/:id', prepare: deleteEndpoint },
  { method: 'GET', path: '/v1/account', prepare: retrieveAccount },
  { method: 'GET', path: '/v1/accounts/:id', prepare: retrieveAccount },
  { method: 'GET', path: '/v1/balance', prepare: retrieveBalance },
];

export type Found = { prepare: (call: Omit<Call, 'id'>) => Execute };

/** @throws StripeError 404 for a method and path Stripe would not recognise (or this simulator lacks) */
export function findRoute(method: string, path: string): Found {
  const given = path.replace(/\/$/, '').split('/');
  for (const route of routes) {
    if (route.method !== method) continue;
    const wanted = route.path.split('/');
    if (wanted.length !== given.length) continue;
    if (!wanted.every((part, i) => (part === ':id' ? given[i] !== '' : part === given[i]))) continue;
    const id = decodeSegment(given[wanted.indexOf(':id')] ?? '');
    return { prepare: (call) => route.prepare({ ...call, id }) };
  }
  throw unknownUrl(method, path);
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw Object.assign(badRequest('Invalid percent-encoding in the URL.'), { cause });
  }
}

function createCustomer({ account, params, origin }: Call): Execute {
  const change = readCustomerChange(params);
  return () => account.createCustomer(change, origin);
}

function updateCustomer({ account, id, params, origin }: Call): Execute {
  const change = readCustomerChange(params);
  return () => account.updateCustomer(id, change, origin);
}

function deleteCustomer({ account, id, params, origin }: Call): Execute {
  onlyKnown(params, []);
  return () => account.deleteCustomer(id, origin);
}

function retrieveCustomer({ account, id, params }: Call): Execute {
  onlyKnown(params, ['expand']);
  readList(params, 'expand', 20);
  return () => account.customers.retrieve(id);
}

/** The e-mail filter is exact and case-sensitive: https://docs.stripe.com/api/customers/list */
function listCustomers({ account, params }: Call): Execute {
  onlyKnown(params, [...PAGE_PARAMS, 'created', 'email']);
  const page = readPage(params);
  const created = readCreated(params);
  const email = readString(params, 'email', MAX_EMAIL_FILTER_CHARS);
  return () =>
    account.customers.list(
      page,
      (customer) =>
        created(customer.created) &&
        (email === undefined || customer.email === email) &&
        account.isListed(customer.id),
    );
}

/** Without this row, "search" would be taken for an id. */
function refuseSearch(): Execute {
  throw unknownUrl('GET', '/v1/customers/search');
}

function listEvents({ account, params }: Call): Execute {
  onlyKnown(params, [...PAGE_PARAMS, 'created', 'type', 'types', 'delivery_success']);
  const page = readPage(params);
  const created = readCreated(params);
  const type = readString(params, 'type', 100);
  const types = readList(params, 'types', MAX_EVENT_TYPES);
  if (type !== undefined && types !== undefined) {
    throw badRequest('You may pass only one of type and types.', 'types');
  }
  const delivered = readBoolean(params, 'delivery_success');
  const wanted = typeFilter(type, types);
  return () => {
    const list = account.events.list(
      page,
      (event) =>
        created(event.created) &&
        wanted(event.type) &&
        account.isListed(event.id) &&
        (delivered === undefined || delivered === (account.deliveries.pendingFor(event.id) === 0)),
      account.nowSeconds(),
    );
    return { ...list, data: list.data.map((event) => account.eventObject(event)) };
  };
}

/** `customer.*` matches every customer event: https://docs.stripe.com/api/events/list */
function typeFilter(type: string | undefined, types: string[] | undefined): (type: string) => boolean {
  const patterns = types ?? (type === undefined || type === '' ? [] : [type]);
  if (patterns.length === 0) return () => true;
  return (given) =>
    patterns.some((pattern) =>
      pattern.endsWith('*') ? given.startsWith(pattern.slice(0, -1)) : given === pattern,
    );
}

function retrieveEvent({ account, id, params }: Call): Execute {
  onlyKnown(params, ['expand']);
  return () => account.eventObject(account.events.retrieve(id, account.nowSeconds()));
}

function createEndpoint({ account, params }: Call): Execute {
  const change = account.endpoints.readCreate(params);
  return () => endpointObject(account.createEndpoint(change), true);
}

function updateEndpoint({ account, id, params }: Call): Execute {
  const change = account.endpoints.readUpdate(params);
  return () => endpointObject(account.updateEndpoint(id, change), false);
}

function deleteEndpoint({ account, id, params }: Call): Execute {
  onlyKnown(params, []);
  return () => account.deleteEndpoint(id);
}

function retrieveEndpoint({ account, id, params }: Call): Execute {
  onlyKnown(params, ['expand']);
  return () => endpointObject(account.endpoints.retrieve(id), false);
}

function listEndpoints({ account, params }: Call): Execute {
  onlyKnown(params, PAGE_PARAMS);
  const page = readPage(params);
  return () => {
    const list = account.endpoints.list(page);
    return { ...list, data: list.data.map((endpoint) => endpointObject(endpoint, false)) };
  };
}

/** Those that Stripe always shows. */
const ACCOUNT_SETTINGS = {
  branding: { icon: null, logo: null, primary_color: null, secondary_color: null },
  card_payments: {
    statement_descriptor_prefix: null,
    statement_descriptor_prefix_kana: null,
    statement_descriptor_prefix_kanji: null,
  },
  dashboard: { display_name: 'Stripe simulator', timezone: 'Etc/UTC' },
  payments: {
    statement_descriptor: null,
    statement_descriptor_kana: null,
    statement_descriptor_kanji: null,
  },
};

function retrieveAccount({ account, id, params }: Call): Execute {
  onlyKnown(params, ['expand']);
  return () => {
    if (id !== '' && id !== account.id) throw noAccess(id);
    return {
      id: account.id,
      object: 'account',
      business_profile: { name: 'Stripe simulator' },
      business_type: 'company',
      capabilities: {},
      charges_enabled: true,
      country: 'US',
      created: 0,
      default_currency: 'usd',
      details_submitted: true,
      email: 'simulator@example.com',
      metadata: {},
      payouts_enabled: true,
      settings: ACCOUNT_SETTINGS,
      type: 'standard',
    };
  };
}

function retrieveBalance({ params }: Call): Execute {
  onlyKnown(params, ['expand']);
  const none = [{ amount: 0, currency: 'usd', source_types: { card: 0 } }];
  return () => ({ object: 'balance', available: none, livemode: false, pending: none });
}
