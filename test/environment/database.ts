/** Databases for tests: each test file (or test) takes its own, already migrated, in a few hundredths of a second. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'pg';

import { migrate } from '../../src/store/migrate';

const TEMPLATE = 'counterpart_template';
/** Any number; the same in every jest worker, so that the template is migrated once per run. */
const TEMPLATE_LOCK = 7_402_118;
const BUSY_RETRIES = 40;
const BUSY_RETRY_MS = 50;
/** "object in use": a connection to the template that is just closing. */
const OBJECT_IN_USE = '55006';

export interface FreshDatabase {
  readonly url: string;
  /** Ends whoever is still connected and removes it. */
  drop(): Promise<void>;
}

/** Where this run's Postgres listens, as a role that may create databases. */
export function testDatabaseUrl(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (url !== undefined && url !== '') return url;
  throw new Error('This test needs Postgres, which `npm test` provides. Run: npm test -- <path of the test>');
}

function urlOf(database: string): string {
  const url = new URL(testDatabaseUrl());
  url.pathname = `/${database}`;
  return url.href;
}

async function withServer<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: testDatabaseUrl() });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function whenNotBusy(statement: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await statement();
      return;
    } catch (error) {
      const busy = error instanceof Error && 'code' in error && error.code === OBJECT_IN_USE;
      if (!busy || attempt >= BUSY_RETRIES) throw error;
      await sleep(BUSY_RETRY_MS);
    }
  }
}

/** Migrated under another name first: a half-migrated template must never be copied. */
async function makeTemplate(client: Client): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [TEMPLATE]);
    if (found.rowCount !== 0) return;
    const draft = `${TEMPLATE}_draft`;
    await client.query(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${draft}`);
    await migrate(urlOf(draft));
    await whenNotBusy(() => client.query(`ALTER DATABASE ${draft} RENAME TO ${TEMPLATE}`));
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
}

let template: Promise<void> | null = null;

async function create(name: string, from: string): Promise<FreshDatabase> {
  await withServer((client) =>
    whenNotBusy(() => client.query(`CREATE DATABASE ${name} TEMPLATE ${from} STRATEGY WAL_LOG`)),
  );
  return {
    url: urlOf(name),
    // Without FORCE: it may not end an autovacuum worker, which a plain DROP waits for; and who is still connected is a leak.
    drop: () =>
      withServer(async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name}`);
      }),
  };
}

function uniqueName(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}

/** A migrated database of its own. */
export async function freshDatabase(): Promise<FreshDatabase> {
  template ??= withServer(makeTemplate);
  await template;
  return create(uniqueName(), TEMPLATE);
}

/** What a backup would hold: a copy of a database that nobody is connected to. */
export async function copyOf(original: Pick<FreshDatabase, 'url'>): Promise<FreshDatabase> {
  return create(uniqueName(), new URL(original.url).pathname.slice(1));
}

/** A database with nothing in it, for tests of the migrations themselves. */
export async function emptyDatabase(): Promise<FreshDatabase> {
  return create(uniqueName(), 'template0');
}
