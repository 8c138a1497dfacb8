/** What the contract's stories stand on: the harness a connector brings, and one story's view of it. */
import { randomUUID } from 'node:crypto';
import { keyPrefix } from '../../src/connectors/connector';
import { parseRecordId, trusted } from '../../src/core/ids';
import type { Connector, Identity, RemoteCatalog, RemoteObject } from '../../src/connectors/connector';
import type { Answer, RemoteFailure } from '../../src/core/failure';
import type { Fields } from '../../src/core/fields';
import type { CatalogName, InstallationId, RecordId, RemoteId } from '../../src/core/ids';

/** A person or another program at the other side; nothing it does carries a key of ours. */
export interface Person {
  /** Adds an object; `marks` by their name, as somebody who copies an object copies its marks. */
  createBare(fields: Fields, marks?: Readonly<Record<string, string>>): Promise<RemoteId>;
  edit(remoteId: RemoteId, fields: Fields): Promise<void>;
  delete(remoteId: RemoteId): Promise<void>;
}

export interface Harness {
  readonly connector: Connector;
  readonly installation: InstallationId;
  readonly catalog: CatalogName;
  readonly remote: Person;
  /** Two text fields that are independent of each other and may each be empty. */
  readonly fields: readonly [string, string];
  /** Values for `fields` that the system refuses, with a personal value in them. */
  readonly refused: { readonly values: Fields; readonly canary: string };
  readonly identity: Identity;
  stop(): Promise<void>;
}

/** An event may surface a little after the change it tells of. */
const SURFACED_MS = 10_000;
const POLL_MS = 50;
/** One story's view of the harness: a fresh record and short words. */
export class Stage {
  readonly record: RecordId = trusted(parseRecordId(randomUUID()), 'record id');
  readonly began: number = Math.floor(Date.now() / 1000);
  readonly catalog: RemoteCatalog;
  readonly first: string;
  readonly second: string;

  constructor(readonly harness: Harness) {
    const catalog = harness.connector.catalogs.get(harness.catalog);
    if (catalog === undefined) throw new Error(`The connector has no catalog ${harness.catalog}`);
    this.catalog = catalog;
    [this.first, this.second] = harness.fields;
  }

  key(): string {
    return keyPrefix(this.harness.installation, this.harness.connector.connection) + randomUUID();
  }

  values(first: string | null, second: string | null): Fields {
    return { [this.first]: first, [this.second]: second };
  }

  async made(first: string | null, second: string | null): Promise<RemoteObject> {
    return answered(await this.catalog.create(this.values(first, second), this.record, this.key()));
  }

  async present(remoteId: RemoteId): Promise<RemoteObject> {
    const reading = answered(await this.catalog.read(remoteId));
    if (reading.kind !== 'present') throw new Error('The object was expected to be there');
    return reading.object;
  }

  search(key: string): ReturnType<RemoteCatalog['findCreated']> {
    return this.catalog.findCreated({
      key,
      recordId: this.record,
      since: this.began,
      until: Math.ceil(Date.now() / 1000),
    });
  }
}

export function answered<T>(answer: Answer<T>): T {
  if (answer.kind === 'failed') throw new Error(`The call failed: ${JSON.stringify(answer.failure)}`);
  return answer.value;
}

export function failed(answer: Answer<unknown>): RemoteFailure {
  if (answer.kind === 'answered') throw new Error('The call was expected to fail');
  return answer.failure;
}

/** Waits until `look` gives something, at most SURFACED_MS. */
export async function surfaced<T>(look: () => Promise<T | undefined>): Promise<T> {
  const until = Date.now() + SURFACED_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > until) throw new Error(`Nothing surfaced within ${SURFACED_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
