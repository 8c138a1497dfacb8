/**
 * Branded ids. They are made only by the parsers below, at an edge (HTTP, SQL row, webhook, workflow input), so a
 * function that takes a `RecordId` cannot be handed a remote id by mistake.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Our own id of a record: a UUID (version 7 when made by us), lower case. */
export type RecordId = Branded<'RecordId'>;
/** The id an external system gave one of its objects, e.g. `cus_…`. */
export type RemoteId = Branded<'RemoteId'>;
/** The name of a configured account of a system; `stripe` is the default one of the system `stripe`. */
export type ConnectionName = Branded<'ConnectionName'>;
/** A kind of record: `customer`, later `invoice`. */
export type CatalogName = Branded<'CatalogName'>;
/** Random name of one Counterpart database, 16 hexadecimal digits, made by the first migration. */
export type InstallationId = Branded<'InstallationId'>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NAME = /^[a-z][a-z0-9_-]{0,39}$/;
const REMOTE_ID_MAX_CHARS = 255;

/** @returns the id in lower case, or null when `text` is not a UUID. */
export function parseRecordId(text: string): RecordId | null {
  const lower = text.toLowerCase();
  return UUID.test(lower) ? (lower as RecordId) : null;
}

/** Half a character, or NUL: Postgres holds neither. */
export const UNSTORABLE = /\p{Surrogate}|\0/u;

/**
 * @returns null for an id that is empty, absurdly long or cannot be stored; the system alone knows more about its own ids.
 */
export function parseRemoteId(text: string): RemoteId | null {
  const usable = text.length > 0 && text.length <= REMOTE_ID_MAX_CHARS && !UNSTORABLE.test(text);
  return usable ? (text as RemoteId) : null;
}

/** @returns null unless `text` is 1 to 40 of `a-z 0-9 _ -`, beginning with a letter. */
export function parseConnectionName(text: string): ConnectionName | null {
  return NAME.test(text) ? (text as ConnectionName) : null;
}

/** @returns null unless `text` is 1 to 40 of `a-z 0-9 _ -`, beginning with a letter. */
export function parseCatalogName(text: string): CatalogName | null {
  return NAME.test(text) ? (text as CatalogName) : null;
}

/** @returns null unless `text` is 16 hexadecimal digits. */
export function parseInstallationId(text: string): InstallationId | null {
  return /^[0-9a-f]{16}$/.test(text) ? (text as InstallationId) : null;
}

/**
 * Unwraps a parser's answer where the text comes from our own database or workflow input.
 * @throws when it is malformed: then somebody wrote past the constraints, and going on would spread it.
 */
export function trusted<T>(parsed: T | null, what: string): T {
  if (parsed === null) throw new Error(`A malformed ${what} came from our own store or workflow input`);
  return parsed;
}
