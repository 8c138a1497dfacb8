/** Values that lost, recorded in the transaction that let them lose. Read and applied by `lostValues.ts`. */
import type { LostValue } from '../core/merge';
import type { Sql } from './database';
import type { Link } from './links';
import { often } from './prepared';

export async function recordLost(
  sql: Sql,
  link: Pick<Link, 'id' | 'connection' | 'catalog' | 'recordId'>,
  lost: readonly LostValue[],
): Promise<void> {
  for (const value of lost) {
    // An open question about a field is asked once; its values follow what stands on the two sides now.
    await sql.query(
      `insert into counterpart.conflicts (link_id, connection, catalog, record_id, field, ours, theirs, winner, cause)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       on conflict (link_id, field) where winner = 'ask' and resolved_at is null
       do update set ours = excluded.ours, theirs = excluded.theirs, cause = excluded.cause`,
      [
        link.id,
        link.connection,
        link.catalog,
        link.recordId,
        value.field,
        JSON.stringify(value.ours),
        JSON.stringify(value.theirs),
        value.winner,
        value.cause,
      ],
    );
  }
}

/** Closes the questions about fields that no longer differ. */
export async function closeQuestions(sql: Sql, linkId: number, stillAsked: readonly string[]): Promise<void> {
  await sql.query(
    often(`update counterpart.conflicts set resolved_at = now()
     where link_id = $1 and winner = 'ask' and resolved_at is null and not field = any($2)`),
    [linkId, stillAsked],
  );
}
