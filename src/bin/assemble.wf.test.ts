import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { Client } from 'pg';
import pino from 'pino';
import { emptyDatabase, freshDatabase } from '../../test/environment/database';
import { freshNamespace } from '../../test/environment/namespace';
import { loadConfig } from '../config';
import { openDatabase } from '../store/database';
import { readInstallation } from '../store/installation';
import { migrate } from '../store/migrate';
import { ensureSearchAttributes, openClient } from '../temporal/client';
import { assemble, untilUp, whenUp } from './assemble';
import { exitCodeOf, NeedsAPerson } from './needsAPerson';

const NEEDS_A_PERSON = 78;
const open: Array<() => Promise<unknown>> = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

/** A log that is read back, line by line. */
function heard() {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(JSON.parse(String(chunk)).msg));
      done();
    },
  });
  return { log: pino(sink), lines };
}

async function databaseOf(make: () => Promise<{ url: string; drop: () => Promise<void> }>) {
  const fresh = await make();
  open.push(() => fresh.drop());
  return fresh.url;
}

function opened(url: string) {
  const database = openDatabase(url, { max: 2, name: 'assemble test', onIdleError: () => undefined });
  open.push(() => database.close());
  return database;
}

const failureOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => null,
    (error: unknown) => error,
  );

test('a database that does not exist is named, and not waited for', async () => {
  const url = new URL(await databaseOf(emptyDatabase));
  url.pathname = '/nowhere';
  const { log, lines } = heard();
  const failure = await failureOf(whenUp('Postgres', log, () => migrate(url.href)));
  expect(failure).toBeInstanceOf(NeedsAPerson);
  expect(String(failure)).toMatch(/DATABASE_URL names does not exist: .* database "nowhere"/);
  expect(exitCodeOf(failure)).toBe(NEEDS_A_PERSON);
  expect(lines).toEqual([]);
});

test('a role that may not make the schema is named, and not waited for', async () => {
  const url = await databaseOf(emptyDatabase);
  const role = `bare_${randomBytes(6).toString('hex')}`;
  const owner = new Client({ connectionString: url });
  await owner.connect();
  await owner.query(`create role ${role} login`);
  open.push(async () => {
    await owner.query(`drop role ${role}`);
    await owner.end();
  });
  const bare = new URL(url);
  bare.username = role;
  const failure = await failureOf(whenUp('Postgres', heard().log, () => migrate(bare.href)));
  expect(String(failure)).toMatch(/lacks a right: .* permission denied for database/);
  expect(exitCodeOf(failure)).toBe(NEEDS_A_PERSON);
});

test('a schema that is not there yet is said, and waited for', async () => {
  const url = await databaseOf(emptyDatabase);
  const { log, lines } = heard();
  const database = opened(url);
  const pause = () => migrate(url);
  const found = await untilUp('Postgres', log, () => readInstallation(database), {
    stopped: () => false,
    pause,
  });
  expect(found?.id).toMatch(/^[0-9a-f]{16}$/);
  expect(lines).toEqual([expect.stringContaining('run the migrations')]);
});

test('a namespace that Temporal does not know is said', async () => {
  const { address } = await freshNamespace();
  const client = openClient({ address }, 'nowhere');
  open.push(() => client.connection.close());
  const { log, lines } = heard();
  const attempts = { left: 1 };
  await untilUp('Temporal', log, () => ensureSearchAttributes(client, 'nowhere'), {
    stopped: () => attempts.left-- <= 0,
    pause: async () => undefined,
  });
  expect(lines).toEqual([expect.stringContaining('Temporal does not know the namespace')]);
});

test('a process by itself for which nothing of Stripe is set names the variables, and not ours for them', async () => {
  const config = loadConfig({ DATABASE_URL: await databaseOf(freshDatabase), LOG_LEVEL: 'silent' });
  const failure = await failureOf(assemble('api', config, 1));
  expect(String(failure)).toMatch(/Neither STRIPE_API_KEY nor STRIPE_API_BASE is set/);
  expect(exitCodeOf(failure)).toBe(NEEDS_A_PERSON);
});
