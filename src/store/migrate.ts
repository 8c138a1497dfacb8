import knex from 'knex';
import { Client } from 'pg';
import { MIGRATIONS } from '../../migrations';
import type { Knex } from 'knex';

/** Any number will do; it only has to be the same in every process that migrates. */
const MIGRATION_LOCK = 4_051_980_517;

const SOURCE: Knex.MigrationSource<(typeof MIGRATIONS)[number]> = {
  getMigrations: async () => [...MIGRATIONS],
  getMigrationName: (entry) => entry.name,
  getMigration: async (entry) => entry.migration,
};

async function withMigrator<T>(
  databaseUrl: string,
  work: (migrator: Knex.Migrator) => Promise<T>,
): Promise<T> {
  const guard = new Client({ connectionString: databaseUrl });
  await guard.connect();
  const database = knex({
    client: 'pg',
    connection: databaseUrl,
    pool: { min: 0, max: 2 },
    migrations: {
      migrationSource: SOURCE,
      schemaName: 'counterpart',
      tableName: 'migrations',
      // An older version that is rolled back to meets the migrations of the newer one. They only add, so it goes on.
      disableMigrationsListValidation: true,
    },
  });
  try {
    // Two processes that start at once take turns here. Only under this lock may knex's own lock row be freed, which a
    // process killed in the middle leaves behind for ever.
    await guard.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await guard.query('create schema if not exists counterpart');
    await database.migrate.forceFreeMigrationsLock();
    return await work(database.migrate);
  } finally {
    await database.destroy();
    await guard.end();
  }
}

/** Brings the database to the newest schema; does nothing when it is there. Safe when several processes start at once. */
export async function migrate(databaseUrl: string): Promise<void> {
  await withMigrator(databaseUrl, (migrator) => migrator.latest());
}

/** Takes every migration back, the newest first; what stays is an empty schema. All data is lost. */
export async function rollBack(databaseUrl: string): Promise<void> {
  await withMigrator(databaseUrl, (migrator) => migrator.rollback(undefined, true));
}
