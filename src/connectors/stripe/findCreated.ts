import { call, lacksRoute } from './client';
import { failure } from './errors';
import { causedByKey } from './events';
import { customerShape, isJson, pageShape } from './shapes';
import type StripeSdk from 'stripe';
import type { CreateTrace } from '../connector';
import type { StripeClient } from './client';
import type { Answer, RemoteFailure } from '../../core/failure';
import { parseRemoteId } from '../../core/ids';
import type { InstallationId, RecordId, RemoteId } from '../../core/ids';

/**
 * `since` and `until` are Postgres's time, what is searched is Stripe's: one of the two may be two hours off (failure 48). The search
 * begins this much before the create was first sent and ends this much after it was last sent, seconds. What a proxy
 * still commits after its 504 (failure 63) comes minutes after it, so it is within, too.
 */
const MARGIN_S = 7_500;
/** Stripe's maximum for one page (docs.stripe.com/api/pagination). */
const PAGE_ROWS = 100;
/** Pages of one call, both lists together. What holds more is gone on with by the next call. */
export const PAGES_MAX = 100;
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
  /** Where an earlier call left off. */
  readonly place?: string | null;
}

/** Where a call leaves off: ids and names only, for it is kept. */
interface Place {
  readonly reading: number;
  readonly list: 'events' | 'customers';
  /** The last item that was read; null before the first. */
  readonly after: string | null;
  /** What bears our mark, so far. */
  readonly mark: string | null;
  /** What bears it and was made by another key. */
  readonly others: readonly string[];
}

const BEGIN: Place = { reading: 0, list: 'events', after: null, mark: null, others: [] };

/** A place that another version wrote, or that names nothing any more, begins anew. */
function placeOf(text: string | null | undefined): Place {
  if (text === null || text === undefined) return BEGIN;
  const place: unknown = JSON.parse(text);
  if (!isJson(place) || typeof place['reading'] !== 'number' || !Array.isArray(place['others'])) return BEGIN;
  return place as unknown as Place;
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
  const lists: Record<Place['list'], List> = {
    events: (sdk, page) => sdk.events.list({ type: 'customer.created', created, limit: PAGE_ROWS, ...page }),
    customers: (sdk, page) => sdk.customers.list({ created, limit: PAGE_ROWS, ...page }),
  };
  let place = placeOf(search.place);
  let seen = sightings(installation, search, place);
  let requestId: string | null = null;
  for (let pages = PAGES_MAX; pages > 0;) {
    const { list } = place;
    const { event, customer } = seen;
    const visit = list === 'events' ? event : customer;
    const from = { after: place.after, pages };
    const read = await readList(client, `${list}.list`, lists[list], visit, from);
    if (read.kind === 'failed') {
      const anchorGone = pages === PAGES_MAX && place.after !== null && meansGone(read.failure);
      if (anchorGone) return unfinished(BEGIN, read.failure.requestId);
      if (list === 'customers' || !lacksRoute(client, read.failure)) return unproven(read.failure);
      pages -= 1;
    } else {
      ({ requestId } = read);
      pages -= read.value.pages;
      const { next } = read.value;
      if (next !== null) return unfinished({ ...place, after: next, ...seen.kept() }, requestId);
    }
    const found = seen.trace();
    if (found !== null) return { kind: 'answered', value: found, requestId, replayed: false };
    if (list === 'events') {
      place = { ...place, list: 'customers', after: null, ...seen.kept() };
    } else if (place.reading + 1 < READINGS) {
      place = { ...BEGIN, reading: place.reading + 1 };
      seen = sightings(installation, search, place);
    } else {
      return { kind: 'answered', value: { kind: 'absent' }, requestId, replayed: false };
    }
  }
  return unfinished(place, requestId);
}

function unfinished(place: Place, requestId: string | null): Answer<CreateTrace> {
  const value = { kind: 'unfinished', place: JSON.stringify(place) } as const;
  return { kind: 'answered', value, requestId, replayed: false };
}

/** What a list answers to a page that begins after an item it does not know (any more). */
function meansGone({ kind }: RemoteFailure): boolean {
  return kind === 'gone' || kind === 'rejected';
}

type Found = Extract<CreateTrace, { kind: 'found' }>;

/** What an item of a list said: the search goes on, is over, or cannot go on because the item might be the one. */
type Sighting = 'on' | 'over' | 'unreadable';

/** Gathers, newest first, what bears our key or mark. */
function sightings(installation: InstallationId, search: CreateSearch, from: Place) {
  let byKey: Found | null = null;
  const marked = from.mark === null ? null : parseRemoteId(from.mark);
  // what an earlier call saw is known by its id only
  let byMark: Found | null = marked === null ? null : { kind: 'found', remoteId: marked, made: null };
  const othersMade = new Set<string>([...(search.others ?? []), ...from.others]);
  return {
    event: (item: unknown): Sighting => {
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
    customer: (item: unknown): Sighting => {
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
    kept: (): Pick<Place, 'mark' | 'others'> => ({ mark: byMark?.remoteId ?? null, others: [...othersMade] }),
  };
}

/** A missing route or page anchor says nothing about the object looked for, so it must read neither as `gone` nor final. */
function unproven(why: RemoteFailure): Answer<CreateTrace> {
  const kind = meansGone(why) ? 'unavailable' : why.kind;
  return { kind: 'failed', failure: { ...why, kind, definite: false } };
}

type List = (sdk: StripeSdk, page: { starting_after?: string }) => Promise<StripeSdk.Response<unknown>>;

/**
 * Reads one list, newest first, to its end, until `visit` says that the search is over, or as many pages as it may. Every item
 * of a page that came could be read.
 * @returns where the rest begins; null where it was read to the end, or the search is over
 */
async function readList(
  client: StripeClient,
  endpoint: string,
  list: List,
  visit: (item: unknown) => Sighting,
  from: { readonly after: string | null; readonly pages: number },
): Promise<Answer<{ next: string | null; pages: number }>> {
  let { after } = from;
  for (let pages = 1; ; pages += 1) {
    const page = after === null ? {} : { starting_after: after };
    const answer = await call(
      client,
      endpoint,
      (sdk) => list(sdk, page),
      (body) => anchored(body),
    );
    // what was read before stays read: the next call begins with the page that failed
    if (answer.kind === 'failed')
      return pages === 1
        ? answer
        : { kind: 'answered', value: { next: after, pages }, requestId: null, replayed: false };
    const { data, next } = answer.value;
    const verdict = data.map((item) => visit(item)).find((sighting) => sighting !== 'on');
    // a page that ends where it began would be read for ever
    if (verdict === 'unreadable' || (next !== null && next === after)) {
      return { kind: 'failed', failure: failure('unavailable', { code: 'unexpected_shape' }) };
    }
    const isOver = verdict === 'over' || next === null;
    if (isOver || pages >= from.pages) return { ...answer, value: { next: isOver ? null : next, pages } };
    after = next;
  }
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
