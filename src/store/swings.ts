/** What the sync did to each field of late, which tells a ping-pong (src/core/pingPong.ts). Written with the link. */
import type { CatalogName, RecordId } from '../core/ids';
import type { Sql } from './database';

/** A person asks for the record: what was stopped is tried again, and counting starts anew. */
export async function forgetSwings(sql: Sql, catalog: CatalogName, recordId: RecordId): Promise<void> {
  await sql.query(
    `update counterpart.links set swings = '{}' where catalog = $1 and record_id = $2 and swings <> '{}'`,
    [catalog, recordId],
  );
}
