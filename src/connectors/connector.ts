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
  { readonly kind: 'found'; readonly remoteId: RemoteId } | { readonly kind: 'absent' };

/** The operations on one catalog of one connection. Every mutation but `remove` carries the intent's idempotency key. */
export interface RemoteCatalog {
  read(remoteId: RemoteId): Promise<Answer<Reading>>;
  /** Creates the object with our mark on it. The same key always carries the same params. */
  create(values: Fields, recordId: RecordId, key: string): Promise<Answer<RemoteObject>>;
  /** Sends only `values`; other fields of the object stay as they are. Answers with the whole object. */
  update(remoteId: RemoteId, values: Fields, key: string): Promise<Answer<RemoteObject>>;
  /** Deletes for good. An object that is already deleted answers `gone`. */
  remove(remoteId: RemoteId): Promise<Answer<null>>;
  /**
   * Looks for what a create with this key made, in places that are not delayed: the list of creation events and the
   * list of objects created at or after `since` (Unix seconds). `absent` only after complete, successful readings that
   * showed nothing; a reading that failed is a failure, never `absent`.
   * @param search.others objects of earlier generations of the record: they bear its mark too and are not meant
   */
  findCreated(search: {
    key: string;
    recordId: RecordId;
    since: number;
    others?: readonly RemoteId[];
  }): Promise<Answer<CreateTrace>>;
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
   */
  receive(body: Buffer, headers: Readonly<Record<string, string | undefined>>, now: number): Delivery;
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
