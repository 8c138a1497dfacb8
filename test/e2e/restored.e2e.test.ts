/**
 * Failure 51: Postgres is restored from an older backup while Stripe has lived on. The backup is a copy of a database that
 * nobody is connected to; what came after it at both sides is the lost future; `counterpart recovered` is said before a worker runs.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { startSimulator } from '../../src/simulators/stripe';
import type { Simulator } from '../../src/simulators/stripe';
import { copyOf, freshDatabase } from '../environment/database';
import type { FreshDatabase } from '../environment/database';
import { freshNamespace } from '../environment/namespace';
import type { FreshNamespace } from '../environment/namespace';
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

const COMMAND = path.join(__dirname, '..', '..', 'dist', 'src', 'bin', 'counterpart.js');
const run = promisify(execFile);

let account: Simulator;
let temporal: FreshNamespace;
let backup: FreshDatabase;
let databases: FreshDatabase[] = [];
let stage: Stage;
/** Ids of the records, by the name before the @ of their e-mail. */
const ids = new Map<string, string>();
let thereAtRestore: string[];
let writesAtRestore: number;

/** Not started yet. */
async function over({ url }: FreshDatabase, env: Record<string, string> = {}): Promise<Stage> {
  const poll = { STRIPE_POLL_MS: '250' };
  return startStage({
    account,
    temporal,
    databaseUrl: url,
    webhooks: false,
    env: { ...poll, ...env },
    start: false,
  });
}

const mailOf = (who: string): string => `${who}@restored.example`;
const asText = ({ id, name, email }: Loose): string => `${id} ${name} <${email}>`;
const pathOf = (who: string): string => `/customers/${ids.get(who)}`;

async function there(): Promise<string[]> {
  return (await stage.stripe('GET', '/v1/customers?limit=100')).data.map(asText).toSorted();
}

/** Name by who it is. */
async function here(): Promise<Record<string, string>> {
  const { rows } = await stage.pool.query('select name, email from counterpart.customers order by email');
  return Object.fromEntries(rows.map(({ name, email }) => [email.split('@')[0], name]));
}

async function create(who: string): Promise<void> {
  const { status, body } = await stage.call('POST', '/customers', { name: who, email: mailOf(who) });
  expect(status).toBe(201);
  ids.set(who, body.id);
}

async function remoteOf(who: string): Promise<string> {
  const { data } = await stage.stripe('GET', `/v1/customers?email=${mailOf(who)}`);
  expect(data).toHaveLength(1);
  return `/v1/customers/${data[0].id}`;
}

/** What the backup holds: some in sync, and edits, a deletion and a creation that are still due. */
async function past(): Promise<void> {
  await Promise.all([stage.api.start(), stage.worker.start()]);
  for (const who of ['kept', 'edited', 'gone', 'due', 'asked', 'leaving']) await create(who);
  await until('all are there', async () => (await there()).length === ids.size);
  await stage.settled();
  await stage.worker.stop();
  await stage.call('PATCH', pathOf('due'), { name: 'due here' });
  await stage.call('PATCH', pathOf('asked'), { email: mailOf('asked.here') });
  await stage.call('DELETE', pathOf('leaving'));
  await create('making');
}

/** What the backup never heard of. */
async function future(): Promise<void> {
  await stage.api.start();
  expect((await stage.call('POST', `${pathOf('leaving')}/restore`)).status).toBe(200);
  await stage.worker.start();
  await create('newcomer');
  await until('all are there', async () => (await there()).length === ids.size);
  await stage.settled();
  await stage.stripe('POST', await remoteOf('asked.here'), { email: mailOf('asked.newer') });
  for (const who of ['edited', 'due', 'leaving', 'making']) {
    await stage.stripe('POST', await remoteOf(who), { name: `${who} newer` });
  }
  await stage.stripe('DELETE', await remoteOf('gone'));
  await stage.stripe('POST', '/v1/customers', { name: 'born', email: mailOf('born') });
  await until('all of it is here', async () => {
    const names = await here();
    const last = [names['born'], names['leaving'], names['asked.newer']];
    return last.join() === 'born,leaving newer,asked' && names['gone'] === undefined;
  });
  await stage.settled();
}

/** @param work over a database that nobody is connected to before or afterwards */
async function during(database: FreshDatabase, work: () => Promise<void>): Promise<void> {
  stage = await over(database);
  try {
    await work();
  } finally {
    await stage.close();
  }
}

/** The backup in the database's place. Before a worker runs the product is told, by the command. */
async function restore(env: Record<string, string>): Promise<void> {
  const restored = await copyOf(backup);
  databases.push(restored);
  stage = await over(restored, env);
  [thereAtRestore, writesAtRestore] = [await there(), (await stage.writes()).length];
  await stage.api.start();
  const { stdout } = await run(process.execPath, [COMMAND, 'recovered'], {
    env: { PATH: process.env['PATH'] ?? '', COUNTERPART_URL: stage.url },
  });
  expect(stdout).toContain('Nothing is sent to stripe until all of it was read.');
  await stage.worker.start();
  await until('everything there was read', async () => {
    const { data } = (await stage.call('GET', '/sweeps')).body;
    return data.some(({ cause, state }: Loose) => cause === 'recovered' && state === 'done');
  });
  await stage.settled();
}

beforeAll(async () => {
  [account, temporal] = await Promise.all([startSimulator({ port: 0 }), freshNamespace()]);
  const original = await freshDatabase();
  databases = [original];
  await during(original, past);
  backup = await copyOf(original);
  databases.push(backup);
  await during(original, future);
}, 120_000);
afterEach(() => stage.close());
afterAll(async () => {
  await account.close();
  for (const database of databases) await database.drop();
}, 60_000);

async function keptOf(who: string): Promise<Loose[]> {
  return (await stage.call('GET', `${pathOf(who)}/conflicts`)).body.data;
}

async function nothingWasWritten(): Promise<void> {
  expect(await there()).toEqual(thereAtRestore);
  expect(await stage.writes()).toHaveLength(writesAtRestore);
}

test('failure 51, I2, I6: what lived on at Stripe wins over what the backup had due; nothing is made twice, nothing that lives is deleted', async () => {
  // as ever: ours wins in a name, and a person is asked about an e-mail
  await restore({ CONFLICT_POLICY: 'name=local,email=ask' });
  expect(await here()).toEqual({
    kept: 'kept',
    edited: 'edited newer',
    newcomer: 'newcomer',
    born: 'born',
    due: 'due newer',
    'asked.here': 'asked',
    making: 'making newer',
  });
  await nothingWasWritten();
  // made after the backup, it is the record it was
  expect((await stage.call('GET', pathOf('newcomer'))).body).toMatchObject({ name: 'newcomer' });
  expect((await stage.call('GET', pathOf('gone'))).status).toBe(410);
  expect(await keptOf('due')).toMatchObject([{ ours: 'due here', theirs: 'due newer', winner: 'remote' }]);
  expect(await keptOf('asked')).toMatchObject([
    { ours: mailOf('asked.here'), theirs: mailOf('asked.newer'), winner: 'ask', resolved_at: null },
  ]);
  const { parked, connections } = (await stage.call('GET', '/status')).body;
  expect(parked.map(({ id, reason }: Loose) => `${id} ${reason.code}`).toSorted()).toEqual(
    [`${ids.get('asked')} conflict`, `${ids.get('leaving')} delete_burst`].toSorted(),
  );
  expect(connections).toMatchObject([{ state: 'active' }]);

  // a person keeps what was to be deleted; then all goes on
  expect((await stage.call('POST', `${pathOf('leaving')}/restore`)).status).toBe(200);
  await stage.settled();
  expect((await here())['leaving']).toBe('leaving newer');
  await nothingWasWritten();
  await stage.call('PATCH', pathOf('newcomer'), { name: 'newcomer, edited' });
  await until('an edit arrives', async () => (await there()).join().includes('newcomer, edited'));
}, 90_000);
