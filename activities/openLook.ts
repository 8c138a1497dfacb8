import type { CatalogName, ConnectionName, RecordId } from '../src/core/ids';
import type { Catalog } from '../src/catalogs/catalog';
import { parseCatalogName, parseRecordId, trusted } from '../src/core/ids';
import type { Connector } from '../src/connectors/connector';
import type { Link } from '../src/store/links';
import type { Statements } from '../src/store/store';
import type { ActivityDeps } from './deps';

export interface RecordName {
  readonly catalog: string;
  readonly recordId: string;
}

/** One link this look takes care of. `lookId` names the look in every later write. */
export interface OpenLink {
  readonly linkId: number;
  readonly lookId: number;
  readonly connection: string;
  /** One of many that nobody waits for: its calls come after those of live edits. */
  readonly bulk?: boolean;
  /** Due since before an older backup was restored, or since the recovery: the other side's newer values win. */
  readonly recovered?: boolean;
}

export type OpenedLook =
  /** no hint waits for this record */
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'open';
      readonly seq: number;
      /** what asked for a look last, for whoever reads the history */
      readonly hint: string;
      readonly version: number | null;
      readonly links: readonly OpenLink[];
      /** connections that are paused: left out, and the row stays until they are resumed */
      readonly paused: readonly string[];
      /** connections that do not answer: left out, and the row waits until they do */
      readonly down?: readonly string[];
    };

const LIVE: ReadonlySet<Link['state']> = new Set(['reserved', 'linked', 'deleting']);

/** A record that stands here without a live link gets one: the detached one again, or a new generation. */
async function newLink(
  making: Statements | null,
  owner: Parameters<Statements['links']['reserveForRecord']>[0],
  newest: Link | undefined,
  recordLives: boolean,
  seq: number,
): Promise<Link | null> {
  if (!recordLives || making === null) return null;
  // It may be gone since it was read, and its deletion answered by another look: nobody would look at the link then.
  if (!(await making.queue.holdHint(owner.catalog, owner.recordId, seq))) return null;
  if (newest?.detached === true) {
    await making.links.reattach(newest.id);
    return newest;
  }
  return making.links.reserveForRecord(owner, (newest?.generation ?? 0) + 1);
}

function servedBy(deps: ActivityDeps, catalog: CatalogName): Connector[] {
  return [...deps.connectors.values()].filter((connector) => connector.catalogs.has(catalog));
}

/**
 * Begins a look: notes which hint it answers and takes every link of the record for itself. From here on no attempt of
 * an earlier look can write.
 */
export async function openLook(deps: ActivityDeps, name: RecordName): Promise<OpenedLook> {
  const catalogName = trusted(parseCatalogName(name.catalog), 'catalog name');
  const recordId = trusted(parseRecordId(name.recordId), 'record id');
  const catalog = deps.catalogs.get(catalogName);
  if (catalog === undefined) throw new Error(`The catalog ${catalogName} is not known to this worker`);
  // What is read needs no transaction, and where nothing has to be made first the one statement that writes is one by itself:
  // two round trips less. Of several links it may meet somebody who holds them in another order, and is repeated then.
  const plain = servedBy(deps, catalogName).length === 1;
  const opened = plain ? await open(deps, deps.store, catalog, recordId, null) : null;
  if (opened !== null) return opened;
  return deps.store.transactUnflushed(async (tx) => {
    const made = await open(deps, tx, catalog, recordId, tx);
    if (made === null) throw new Error('A look that may make a link began without one');
    return made;
  });
}

/**
 * @param making where a link may be made; null where only what is there may be taken
 * @returns null when a link has to be made first
 */
async function open(
  deps: ActivityDeps,
  from: Statements,
  catalog: Catalog,
  recordId: RecordId,
  making: Statements | null,
): Promise<OpenedLook | null> {
  const catalogName = catalog.name;
  const hint = await from.queue.readHint(catalogName, recordId);
  if (hint === null) return { kind: 'nothing' };
  const record = await from.records.readRecord(catalog, recordId);
  const newest = await from.links.newestOfRecord(catalogName, recordId);
  const links: Link[] = [];
  const paused: ConnectionName[] = [];
  const down: ConnectionName[] = [];
  for (const { connection } of servedBy(deps, catalogName)) {
    const known = newest.find((link) => link.connection === connection);
    const isMade = known !== undefined && LIVE.has(known.state);
    if (!isMade && record.kind === 'live' && making === null) return null;
    const owner = { connection, catalog: catalogName, recordId };
    const link = isMade ? known : await newLink(making, owner, known, record.kind === 'live', hint.seq);
    if (link === null) continue;
    if (link.standstill === 'paused') paused.push(connection);
    else if (link.standstill === 'down') down.push(connection);
    else links.push(link);
  }
  const marks = { ...(hint.bulk && { bulk: true }), ...(hint.recovered && { recovered: true }) };
  const looks = await from.links.beginLook(
    links.map((link) => link.id),
    { catalog: catalogName, recordId, runId: deps.runId(), hint: hint.hint, paused },
  );
  return {
    kind: 'open',
    seq: hint.seq,
    hint: hint.hint,
    version: record.kind === 'absent' ? null : record.version,
    links: links.flatMap(({ id: linkId, connection }) => {
      const lookId = looks.get(linkId);
      return lookId === undefined ? [] : [{ linkId, lookId, connection, ...marks }];
    }),
    paused,
    down,
  };
}
