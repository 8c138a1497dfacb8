import { call, lacksRoute } from './client';
import { failure } from './errors';
import { causedByKey } from './events';
import { customerShape, isJson, pageShape } from './shapes';
import type StripeSdk from 'stripe';
import type { CreateTrace } from '../connector';
import type { StripeClient } from './client';
import type { Answer, RemoteFailure } from '../../core/failure';
import type { InstallationId, RecordId, RemoteId } from '../../core/ids';

/**
 * `since` and `until` are Postgres's time, what is searched is Stripe's: one of the two may be two hours off (failure 48). The search
 * begins this much before the create was first sent and ends this much after it was last sent, seconds. What a proxy
 * still commits after its 504 (failure 63) comes minutes after it, so it is within, too.
 */
const MARGIN_S = 7_500;
/** Stripe's maximum for one page (docs.stripe.com/api/pagination). */
const PAGE_ROWS = 100;
/**
 * Pages of one list in one reading: 100,000 customers born in these hours. Beyond it nothing is proven. Both lists, read twice
 * at 10 pages a second, take 400 s, less than the activity has.
 */
export const PAGES_MAX = 1_000;
/** How often both lists must have been read to the end without a trace. An event may surface after it happened. */
const READINGS = 2;

export interface CreateSearch {
  readonly key: string;
  readonly recordId: RecordId;
  /** Unix seconds: when the create was first sent. */
  readonly since: number;
  /** When it was sent for the last time: younger customers are not its, however many they are. */
  readonly until: number;
  /** Objects of the record's earlier generations. */
  readonly others?: readonly RemoteId[];
}

/**
 * Whether an ambiguous create took effect, from places that show everything at once: the events of creation and the list
 * of customers (never the search API, which may be an hour late: docs.stripe.com/search). Two readings of both, each to
 * the end, before `absent`.
 *
 * The key decides where an event names one: another key's customer is another intent's, even with our mark on it (an
 * earlier generation of the record). Only where the server names no key, or has no event list, does the mark decide, and
 * then for the oldest that bears it: copies are younger than what they were copied from. Such a server cannot tell us
 * about a customer that was created and deleted again meanwhile.
 */
export async function findCreated(
  client: StripeClient,
  installation: InstallationId,
  search: CreateSearch,
): Promise<Answer<CreateTrace>> {
  const created = { gte: search.since - MARGIN_S, lte: search.until + MARGIN_S };
  let requestId: string | null = null;
  for (let reading = 0; reading < READINGS; reading++) {
    const seen = sightings(installation, search);
    const events = await readList(
      client,
      'events.list',
      (sdk, page) => sdk.events.list({ type: 'customer.created', created, limit: PAGE_ROWS, ...page }),
      (item) => seen.event(item),
    );
    if (events.kind === 'failed' && !lacksRoute(client, events.failure)) return unproven(events.failure);
    if (events.kind === 'answered') ({ requestId } = events);
    let found = seen.trace();
    if (found === null) {
      const customers = await readList(
        client,
        'customers.list',
        (sdk, page) => sdk.customers.list({ created, limit: PAGE_ROWS, ...page }),
        (item) => seen.customer(item),
      );
      if (customers.kind === 'failed') return unproven(customers.failure);
      ({ requestId } = customers);
      found = seen.trace();
    }
    if (found !== null) {
      return { kind: 'answered', value: found, requestId, replayed: false };
    }
  }
  return { kind: 'answered', value: { kind: 'absent' }, requestId, replayed: false };
}

type Found = Extract<CreateTrace, { kind: 'found' }>;

/** What an item of a list said: the search goes on, is over, or cannot go on because the item might be the one. */
type Sighting = 'on' | 'over' | 'unreadable';

/** Gathers, newest first, what bears our key or mark. */
function sightings(installation: InstallationId, search: CreateSearch) {
  let byKey: Found | null = null;
  let byMark: Found | null = null;
  const othersMade = new Set<RemoteId>(search.others);
  return {
    event(item: unknown): Sighting {
      if (!isJson(item)) return 'unreadable';
      // A server that ignores the filter answers with updates too: their keys are not the creation's.
      if (item['type'] !== 'customer.created') return 'on';
      const data = item['data'];
      const customer = customerShape(isJson(data) ? data['object'] : null, installation)?.object;
      if (customer === undefined) return 'unreadable';
      const key = causedByKey(item);
      const { remoteId, fields: made } = customer;
      if (key === search.key) byKey = { kind: 'found', remoteId, made };
      else if (customer.claims === search.recordId) {
        if (key !== null) othersMade.add(remoteId);
        else if (!othersMade.has(remoteId)) byMark = { kind: 'found', remoteId, made };
      }
      return byKey === null ? 'on' : 'over';
    },
    customer(item: unknown): Sighting {
      const customer = customerShape(item, installation)?.object;
      if (customer === undefined) return 'unreadable';
      const { remoteId, claims } = customer;
      // the list shows what stands by now, the event what was made
      if (claims === search.recordId && !othersMade.has(remoteId) && byMark?.remoteId !== remoteId) {
        byMark = { kind: 'found', remoteId, made: null };
      }
      return 'on';
    },
    trace: (): Found | null => byKey ?? byMark,
  };
}

/** A missing route or page anchor says nothing about the object looked for, so it must read neither as `gone` nor final. */
function unproven(why: RemoteFailure): Answer<CreateTrace> {
  const kind = why.kind === 'gone' || why.kind === 'rejected' ? 'unavailable' : why.kind;
  return { kind: 'failed', failure: { ...why, kind, definite: false } };
}

/**
 * Reads one list, newest first, to its end or until `visit` says that the search is over. Answered means complete: every
 * page came, and every item on it could be read.
 */
async function readList(
  client: StripeClient,
  endpoint: string,
  list: (sdk: StripeSdk, page: { starting_after?: string }) => Promise<StripeSdk.Response<unknown>>,
  visit: (item: unknown) => Sighting,
): Promise<Answer<null>> {
  let page: { starting_after?: string } = {};
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const answer = await call(
      client,
      endpoint,
      (sdk) => list(sdk, page),
      (body) => anchored(body),
    );
    if (answer.kind === 'failed') return answer;
    const { data, next } = answer.value;
    const verdict = data.map((item) => visit(item)).find((sighting) => sighting !== 'on');
    if (verdict === 'unreadable') {
      return { kind: 'failed', failure: failure('unavailable', { code: 'unexpected_shape' }) };
    }
    if (verdict === 'over' || next === null) return { ...answer, value: null };
    page = { starting_after: next };
  }
  return { kind: 'failed', failure: failure('unavailable', { code: 'too_many_pages' }) };
}

/** A page and where the next begins, null after the last. "There is more" after nothing is no page: it cannot be left. */
function anchored(body: unknown): { value: { data: readonly unknown[]; next: string | null } } | null {
  const list = pageShape(body);
  if (list === null || !list.hasMore) return list && { value: { data: list.data, next: null } };
  const last = list.data.at(-1);
  return isJson(last) && typeof last['id'] === 'string'
    ? { value: { data: list.data, next: last['id'] } }
    : null;
}
