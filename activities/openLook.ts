import type { CatalogName, ConnectionName } from '../src/core/ids';
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

/** The link a look works on: the live one, or a new generation for a record that stands here without one. */
async function liveLink(
  tx: Statements,
  owner: Parameters<Statements['links']['reserveForRecord']>[0],
  newest: Link | undefined,
  recordLives: boolean,
  seq: number,
): Promise<Link | null> {
  if (newest !== undefined && LIVE.has(newest.state)) return newest;
  if (!recordLives) return null;
  // It may be gone since it was read, and its deletion answered by another look: nobody would look at the link then.
  if (!(await tx.queue.holdHint(owner.catalog, owner.recordId, seq))) return null;
  if (newest?.detached === true) {
    await tx.links.reattach(newest.id);
    return newest;
  }
  return tx.links.reserveForRecord(owner, (newest?.generation ?? 0) + 1);
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
  return deps.store.transactUnflushed(async (tx) => {
    const hint = await tx.queue.readHint(catalogName, recordId);
    if (hint === null) return { kind: 'nothing' };
    const record = await tx.records.readRecord(catalog, recordId);
    const newest = await tx.links.newestOfRecord(catalogName, recordId);
    const links: Link[] = [];
    const paused: ConnectionName[] = [];
    const down: ConnectionName[] = [];
    for (const { connection } of servedBy(deps, catalogName)) {
      const known = newest.find((link) => link.connection === connection);
      const owner = { connection, catalog: catalogName, recordId };
      const link = await liveLink(tx, owner, known, record.kind === 'live', hint.seq);
      if (link === null) continue;
      if (link.standstill === 'paused') paused.push(connection);
      else if (link.standstill === 'down') down.push(connection);
      else links.push(link);
    }
    const marks = { ...(hint.bulk && { bulk: true }), ...(hint.recovered && { recovered: true }) };
    const looks = await tx.links.beginLook(
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
  });
}
