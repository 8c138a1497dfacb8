/** Temporal stops, comes back, comes back empty: the queue is the truth, so nothing is lost. */
import { until } from '../environment/until';
import { startOwnTemporal } from './ownTemporal';
import type { OwnTemporal } from './ownTemporal';
import { restartWithPending } from './pendingRecords';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

/** More than 100 rows of one statement are a bulk. */
const PENDING = 110;
const CONVERGED_MS = 60_000;

let temporal: OwnTemporal;
let stage: Stage;

beforeAll(async () => {
  temporal = await startOwnTemporal();
  stage = await startStage({ temporal });
}, 90_000);

afterAll(async () => {
  await stage.close();
  await temporal.close();
}, 60_000);

async function show(id: string): Promise<Loose> {
  return (await stage.call('GET', `/customers/${id}`)).body;
}

async function inSync(id: string): Promise<void> {
  await until('it is in sync', async () => (await show(id)).sync[0].state === 'in_sync', 60_000);
}

async function customersThere(): Promise<number> {
  return (await stage.stripe('GET', '/_sim/health')).customers;
}

interface Meanwhile {
  readonly ids: string[];
  readonly remoteId: string;
  readonly email: string;
  /** How many stood in Stripe before. */
  readonly before: number;
}

async function changesWhileAway(when: string): Promise<Meanwhile> {
  const before = await customersThere();
  const answers = await Promise.all(
    ['One', 'Two', 'Three'].map((name) =>
      stage.call('POST', '/customers', { name, email: `${name}.${when}@example.com` }),
    ),
  );
  expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201]);
  const email = `born.${when}@example.com`;
  const born = await stage.stripe('POST', '/v1/customers', { name: 'Born meanwhile', email });
  await until('the webhook was taken', async () => {
    const { rowCount } = await stage.pool.query('select 1 from counterpart.events where remote_id = $1', [
      born.id,
    ]);
    return rowCount === 1;
  });
  return { ids: answers.map((answer) => answer.body.id), remoteId: born.id, email, before };
}

async function allArrived({ ids, remoteId, email, before }: Meanwhile): Promise<void> {
  await Promise.all(ids.map(inSync));
  await until(
    'what was born meanwhile is here',
    async () => {
      const { data } = (await stage.call('GET', `/customers?email=${email}`)).body;
      return data[0]?.sync[0]?.remote_id === remoteId;
    },
    60_000,
  );
  expect(await customersThere()).toBe(before + 4);
}

test('failure 40: Temporal is away: the API and the webhook keep answering, and all of it arrives afterwards', async () => {
  await temporal.stop();
  const meanwhile = await changesWhileAway('away');
  await until('the relay has said so', async () =>
    stage.worker.output().includes('Temporal does not take rings'),
  );
  expect((await fetch(`${stage.workerUrl}/health/ready`)).status).toBe(503);
  expect((await fetch(`${stage.url}/health/ready`)).status).toBe(200);
  await temporal.start();
  await allArrived(meanwhile);
}, 180_000);

test('failures 41 and 62: Temporal is restarted with a hundred records pending by one UPDATE: each arrives, once, after the edit made last', async () => {
  const { pending, overtaken } = await restartWithPending(stage, temporal, PENDING, CONVERGED_MS);
  expect(pending).toBe(PENDING);
  expect(overtaken).toBeLessThan(PENDING / 2);
}, 180_000);

test('failure 49: Temporal comes back with its data gone: everything pending arrives, and nothing happens twice', async () => {
  const { body } = await stage.call('POST', '/customers', { name: 'Before', email: 'before@example.com' });
  await inSync(body.id);
  const writes = (await stage.writes()).length;
  await stage.stripe('DELETE', `/v1/customers/${(await show(body.id)).sync[0].remote_id}`);
  await until('it is gone', async () => (await stage.call('GET', `/customers/${body.id}`)).status === 410);
  await stage.settled();
  await temporal.stop();
  temporal.forget();
  const meanwhile = await changesWhileAway('gone');
  await temporal.start();
  await allArrived(meanwhile);
  expect((await stage.writes()).length).toBe(writes + 3);
}, 180_000);
