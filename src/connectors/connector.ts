/**
 * The port between Counterpart and any external system. It knows nothing of Stripe: `stripe/` and `memory/` are two
 * implementations, held to the same contract by `test/contract`.
 * May touch: src/core. Touched by: activities, src/inbound, src/bin.
 */
import type { Fields, FieldValue } from '../core/fields';
import type { Answer } from '../core/failure';
import type { CatalogName, ConnectionName, RecordId, RemoteId } from '../core/ids';

/** Who the credentials belong to. A connection keeps the first it sees and refuses every other. */
export interface Identity {
  /** The vendor's account id, or null where the server has no such route. */
  readonly account: string | null;
  /** Where the calls go, e.g. `https://api.stripe.com`; the identity of last resort. */
  readonly apiBase: string;
  readonly mode: 'simulator' | 'test' | 'live';
}

/** One remote object in our words. */
export interface RemoteObject {
  readonly remoteId: RemoteId;
  /** Every synced field, as the system has it; absent values are null. */
  readonly fields: Fields;
  /** The record named by our own installation's mark on the object, or null. Another installation's mark is null. */
  readonly claims: RecordId | null;
}

/** What reading one remote id showed. A 404 is not here: it is the failure `gone`, which proves nothing. */
export type Reading =
  | { readonly kind: 'present'; readonly object: RemoteObject }
  /** The system itself says that this object existed and was deleted. */
  | { readonly kind: 'deleted' };

/** Whether an ambiguous create took effect. */
export type CreateTrace =
  | {
      readonly kind: 'found';
      readonly remoteId: RemoteId;
      /** The synced fields as they were made, where the system still tells; null where it shows only what stands by now. */
      readonly made: Fields | null;
    }
  | { readonly kind: 'absent' }
  /** Not read to the end yet: the next call goes on at this place. In the connector's own words, ids at most, never a value. */
  | { readonly kind: 'unfinished'; readonly place: string };

/** One page of all living objects of a catalog, newest first. */
export interface ObjectPage {
  readonly objects: readonly RemoteObject[];
  /** Where the next page begins; null after the last. In the connector's own words. */
  readonly next: string | null;
  /** Names of what is on the page and cannot be read: its id, where it has a usable one. They hold up no other. */
  readonly unreadable?: readonly string[];
}

/** The operations on one catalog of one connection. Every mutation but `remove` carries the intent's idempotency key. */
export interface RemoteCatalog {
  read(remoteId: RemoteId): Promise<Answer<Reading>>;
  /**
   * All living objects with their fields, a page at a time, in an order that no later object disturbs: newest first, so
   * that what is made meanwhile comes before the first page. Whoever is missing need not be gone: only `read` tells.
   * @param page.after the place that an earlier page gave, however long ago; null begins
   * @param page.limit 1 to 100
   */
  list(page: { after: string | null; limit: number }): Promise<Answer<ObjectPage>>;
  /** Creates the object with our mark on it. The same key always carries the same params. */
  create(values: Fields, recordId: RecordId, key: string): Promise<Answer<RemoteObject>>;
  /** Sends only `values`; other fields of the object stay as they are. Answers with the whole object. */
  update(remoteId: RemoteId, values: Fields, key: string): Promise<Answer<RemoteObject>>;
  /** Deletes for good. An object that is already deleted answers `gone`. */
  remove(remoteId: RemoteId): Promise<Answer<null>>;
  /**
   * Looks for what a create with this key made, in places that are not delayed: the list of creation events and the
   * list of objects created from `since` to `until` (Unix seconds by our clock, not the system's: some hours more on either
   * side are searched, and no more, so that the search ends however many are made later). `absent` only after complete,
   * successful readings that showed nothing; a reading that failed is a failure, never `absent`.
   * A call takes seconds: what holds more is `unfinished`.
   * @param search.place where an earlier call left off, however long ago; null begins
   * @param search.others objects of earlier generations of the record: they bear its mark too and are not meant
   */
  findCreated(search: {
    key: string;
    recordId: RecordId;
    since: number;
    until: number;
    others?: readonly RemoteId[];
    place?: string | null;
  }): Promise<Answer<CreateTrace>>;
  /**
   * Living objects with this value in the field by which the catalog recognises, 100 at most. Whoever writes it otherwise than
   * here may be missing: the system compares in its own way. Absent where the system cannot be asked.
   */
  findAlike?(value: string): Promise<Answer<readonly RemoteObject[]>>;
}

/** An event of the remote system, reduced to what the door needs to know. */
export interface RemoteEvent {
  readonly id: string;
  /** The vendor's own type, for the record, e.g. `customer.updated`. */
  readonly type: string;
  /** Null for events about things we do not sync: stored as ignored. */
  readonly subject: {
    readonly catalog: CatalogName;
    readonly remoteId: RemoteId;
    readonly change: 'created' | 'updated' | 'deleted';
    /** The record named by our installation's mark, or null. */
    readonly claims: RecordId | null;
    /** Synced fields' values before the change, where the system tells; null when it tells nothing. */
    readonly previous: Fields | null;
    /** Synced fields' values in the event. */
    readonly fields: Fields;
  } | null;
  /** Idempotency key of the request that caused it; null when none or unknown. */
  readonly causedByKey: string | null;
  /** Unix seconds. Ties are common; order is never taken from it. */
  readonly createdAt: number;
  /** Null where the event does not name its account (the usual case for an account's own webhooks). */
  readonly account: string | null;
  readonly live: boolean;
}

/** What the door makes of a delivered body. */
export type Delivery =
  | { readonly kind: 'event'; readonly event: RemoteEvent }
  /** The signature is missing, wrong or too old; nothing more is said to the sender. */
  | { readonly kind: 'forged' }
  /** Well signed but not an event. */
  | { readonly kind: 'malformed' };

/** One page of the system's event list, newest first. */
export interface EventPage {
  readonly events: readonly RemoteEvent[];
  readonly hasMore: boolean;
  /** Names of what is on the page and is no event: its id, where it has a usable one. The same name for the same thing, always. */
  readonly unreadable?: readonly string[];
}

/** What stands at the system after its deliveries to us were seen to. */
export type Delivered =
  | {
      readonly kind: 'standing';
      readonly id: string;
      /** Whether it had to be changed. */ readonly changed: boolean;
    }
  /** The secret is told this once. */
  | { readonly kind: 'made'; readonly id: string; readonly secret: string }
  | { readonly kind: 'none' };

/** How a system is told where to deliver its events. */
export interface WebhookEndpoints {
  /** The right that a restricted credential needs for it, as the system's own pages name it. */
  readonly right: string;
  /**
   * Makes exactly one endpoint of this connection stand there: enabled, with the events and the version that are read
   * here. Ours are known by our mark; all others are left alone. One whose secret nobody knows any more, or whose version
   * is another, is deleted and made anew.
   * @param wanted.url null: none of ours is left
   * @param wanted.known the endpoint whose secret is kept here, or null
   */
  ensure(wanted: { url: string | null; known: string | null }): Promise<Answer<Delivered>>;
}

/** One configured account of one system. */
export interface Connector {
  readonly connection: ConnectionName;
  readonly system: string;
  readonly catalogs: ReadonlyMap<CatalogName, RemoteCatalog>;
  /** Asks the system whose credentials these are. */
  identify(): Promise<Answer<Identity>>;
  /**
   * Checks a delivered webhook on its raw bytes, before anything parses them.
   * @param now Unix milliseconds, for the signature's tolerance.
   * @param registered secrets of endpoints made through `webhooks`, accepted beside those it was configured with.
   */
  receive(
    body: Buffer,
    headers: Readonly<Record<string, string | undefined>>,
    now: number,
    registered?: readonly string[],
  ): Delivery;
  /** Absent where the system cannot be told where to deliver. */
  readonly webhooks?: WebhookEndpoints;
  /** Newest first; `before` pages back from an event id. Null where the system has no event list. */
  readonly listEvents:
    ((page: { before: string | null; limit: number }) => Promise<Answer<EventPage>>) | null;
}

/** The prefix of every idempotency key of one installation's connection; an event caused by such a key is our echo. */
export function keyPrefix(installation: string, connection: ConnectionName): string {
  return `cp_${installation}_${connection}_`;
}

/** Our mark on objects we created: a metadata key named after the installation, holding the record id. */
export function markName(installation: string): string {
  return `counterpart_${installation}`;
}

export type { Fields, FieldValue };
