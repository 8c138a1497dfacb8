import { CUSTOMER } from '../../catalogs/customer/customer';
import { UNSTORABLE } from '../../core/ids';
import { call, lacksRoute } from './client';
import { customerShape, fieldsNamedIn, isJson, pageShape, readItems } from './shapes';
import type { EventPage, RemoteEvent } from '../connector';
import type { StripeClient } from './client';
import type { Json } from './shapes';
import type { Answer } from '../../core/failure';
import type { Fields } from '../../core/fields';
import type { InstallationId } from '../../core/ids';

type Change = 'created' | 'updated' | 'deleted';

/** Stripe's event types that concern a catalog (docs.stripe.com/api/events/types). All others are stored as ignored. */
const CUSTOMER_CHANGES: Readonly<Record<string, Change>> = {
  'customer.created': 'created',
  'customer.updated': 'updated',
  'customer.deleted': 'deleted',
};

/** What an endpoint of ours is told. */
export const EVENT_TYPES: readonly string[] = Object.keys(CUSTOMER_CHANGES);

/** An id, type or key: the longest that we store, and nothing in it that Postgres does not hold. */
const ID = /^[^\s\0\p{Surrogate}]{1,255}$/u;
/** The last second of the year 9999. */
const CREATED_MAX_S = 253_402_300_799;
const UNSTORABLE_CHARACTERS = new RegExp(UNSTORABLE, 'gu');
/** Stripe's maximum for one page of a list (docs.stripe.com/api/pagination). */
const PAGE_MAX = 100;

/**
 * One snapshot event in our words (docs.stripe.com/api/events/object).
 * @returns null when it is no event at all: no id, type or time, or a thin event, which carries no object.
 *   An event about a customer whose object cannot be read has `subject` null: its id is worth keeping, and the sweep
 *   finds what it meant.
 */
export function remoteEvent(body: unknown, installation: InstallationId): RemoteEvent | null {
  if (!isJson(body) || body['object'] !== 'event') return null;
  const { id, type, created, livemode, account } = body;
  if (typeof id !== 'string' || !ID.test(id) || typeof type !== 'string' || !ID.test(type)) return null;
  if (typeof created !== 'number' || !Number.isSafeInteger(created)) return null;
  if (created < 0 || created > CREATED_MAX_S) return null;
  return {
    id,
    type,
    subject: subjectOf(type, body['data'], installation),
    causedByKey: causedByKey(body),
    createdAt: created,
    account: typeof account === 'string' ? account : null,
    live: livemode === true,
  };
}

/** The event's `request.idempotency_key`; `request` is null for Stripe's own doings and a bare id in old API versions. */
export function causedByKey(event: Json): string | null {
  const request = event['request'];
  if (!isJson(request)) return null;
  const key = request['idempotency_key'];
  return typeof key === 'string' && ID.test(key) ? key : null;
}

/**
 * Values as they can be kept, with the replacement character for what cannot. An event's values are compared and kept as lost
 * ones, never written into a record: unlike what we sent they stay.
 */
function storable(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [
      field,
      typeof value === 'string' ? value.replace(UNSTORABLE_CHARACTERS, '\uFFFD') : value,
    ]),
  );
}

function subjectOf(type: string, data: unknown, installation: InstallationId): RemoteEvent['subject'] {
  const change = Object.hasOwn(CUSTOMER_CHANGES, type) ? CUSTOMER_CHANGES[type] : undefined;
  if (change === undefined || !isJson(data)) return null;
  const customer = customerShape(data['object'], installation);
  if (customer === null) return null;
  const { remoteId, claims, fields } = customer.object;
  const before = data['previous_attributes'];
  const previous = change === 'updated' && isJson(before) ? storable(fieldsNamedIn(before)) : null;
  return { catalog: CUSTOMER.name, remoteId, change, claims, previous, fields: storable(fields) };
}

/**
 * One page of `GET /v1/events`, newest first, reduced to the types above (Stripe keeps them for 30 days).
 * @param page `before`: the event id to page back from; `limit`: 1 to 100.
 * @returns the failure `gone` when the server has no such route: it then lives by webhooks alone, which is worth saying
 *   once. What is no event is named beside the others; a page with nothing else is a failure.
 */
export async function listEvents(
  client: StripeClient,
  installation: InstallationId,
  page: { before: string | null; limit: number },
): Promise<Answer<EventPage>> {
  const params = {
    types: Object.keys(CUSTOMER_CHANGES),
    limit: Math.min(Math.max(page.limit, 1), PAGE_MAX),
    ...(page.before === null ? {} : { starting_after: page.before }),
  };
  const answer = await call(
    client,
    'events.list',
    (sdk) => sdk.events.list(params),
    (body) => {
      const list = pageShape(body);
      const read = list && readItems(list.data, (item) => remoteEvent(item, installation));
      if (list === null || read === null) return null;
      return { value: { events: read.items, hasMore: list.hasMore, unreadable: read.unreadable } };
    },
  );
  if (answer.kind === 'answered') return answer;
  if (lacksRoute(client, answer.failure))
    return { kind: 'failed', failure: { ...answer.failure, kind: 'gone' } };
  // An anchor that is too old or unknown is a 404 as well; `gone` is kept for the route.
  if (answer.failure.kind === 'gone') {
    return { kind: 'failed', failure: { ...answer.failure, kind: 'rejected' } };
  }
  return answer;
}
