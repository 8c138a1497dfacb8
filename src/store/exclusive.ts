import type { Database } from './database';

/**
 * Runs `work` while this process alone holds the name, over all processes of this database; the others do not wait. The
 * lock belongs to a transaction, not to a session, so that a pooler in between may be any; nothing else is done in it.
 * @returns null, and nothing was run, when another process holds the name
 */
export async function exclusively<T>(
  database: Database,
  name: string,
  work: () => Promise<T>,
): Promise<{ readonly result: T } | null> {
  const client = await database.pool.connect();
  let broken: Error | undefined;
  // A connection that breaks while checked out emits 'error'; unheard, that would end the process.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query('begin');
    const { rows } = await client.query<{ held: boolean }>(
      'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as held',
      [name],
    );
    return rows[0]?.held === true ? { result: await work() } : null;
  } finally {
    // Its end lets go of the lock. If even that fails the connection is dead, and Postgres lets go by itself.
    await client.query('rollback').catch((error: Error) => {
      broken ??= error;
    });
    client.off('error', onError);
    client.release(broken);
  }
}
