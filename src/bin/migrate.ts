/** Brings the database to the newest schema and ends; safe to run in several processes at once. */
import { loadConfig, readDotenv } from '../config';
import { createLog } from '../observability/log';
import { migrate } from '../store/migrate';
import { whenUp } from './assemble';
import { exitCodeOf, NeedsAPerson } from './needsAPerson';

async function main(): Promise<void> {
  const config = loadConfig(process.env, readDotenv());
  const log = createLog('migrate', config.logLevel);
  const { databaseUrl } = config;
  if (databaseUrl === null) throw new NeedsAPerson('DATABASE_URL is not set: there is nothing to migrate.');
  await whenUp('Postgres', log, () => migrate(databaseUrl));
  log.info({}, 'the schema is up to date');
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = exitCodeOf(error);
});
