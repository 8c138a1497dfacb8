/** What the sync will not do again by itself: what tells a ping-pong (src/core/pingPong.ts), and what was refused. Written with the link. */
import type { CatalogName, RecordId } from '../core/ids';
import type { Sql } from './database';

/** A person asks for the record: what was stopped is tried again, and counting starts anew. */
export async function forgetSwings(sql: Sql, catalog: CatalogName, recordId: RecordId): Promise<void> {
  await sql.query(
    `update counterpart.links set swings = '{}' where catalog = $1 and record_id = $2 and swings <> '{}'`,
    [catalog, recordId],
  );
}

/** A person asks for the record: what the system refused for good is sent once more, though nothing was edited. */
export async function forgetRefusals(sql: Sql, catalog: CatalogName, recordId: RecordId): Promise<void> {
  await sql.query(
    `update counterpart.links set refused = null where catalog = $1 and record_id = $2 and refused is not null`,
    [catalog, recordId],
  );
}
