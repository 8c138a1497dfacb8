/** Failure 57: two installations on one Stripe account, each with its own api, worker, database, name and endpoint. */
import { randomBytes } from 'node:crypto';
import { startSimulator } from '../../src/simulators/stripe';
import type { Simulator } from '../../src/simulators/stripe';
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

let account: Simulator;
let one: Stage;
let two: Stage;

/** Heard by webhooks alone: if one took the other's endpoint away, nothing would arrive. */
async function startInstallation(): Promise<Stage> {
  const stage = await startStage({
    account,
    webhooks: false,
    publicUrl: true,
    env: { STRIPE_POLL_MS: '86400000' },
    start: false,
  });
  // databases of tests are copies of one that was migrated once, name and secret included
  await stage.pool.query('update counterpart.installation set id = $1, secret = $2', [
    randomBytes(8).toString('hex'),
    randomBytes(32),
  ]);
  return stage;
}

beforeAll(async () => {
  account = await startSimulator({ port: 0 });
  one = await startInstallation();
  two = await startInstallation();
  await one.stripe('POST', '/v1/customers', { name: 'Elder', email: 'elder@two.example' });
  // one after the other: what the second finds at its start is the first one's
  for (const [before, { api, worker }] of [one, two].entries()) {
    await Promise.all([api.start(), worker.start()]);
    await until('it has its endpoint', async () => (await endpoints()).length === before + 1);
  }
}, 90_000);

afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await account.close();
}, 60_000);

async function endpoints(): Promise<string[]> {
  return (await one.stripe('GET', '/v1/webhook_endpoints')).data.map(({ url }: Loose) => url);
}

const asText = ({ name, email }: Loose): string => `${name} <${email}>`;

async function there(): Promise<string[]> {
  return (await one.stripe('GET', '/v1/customers?limit=100')).data.map(asText).toSorted();
}

async function peopleIn(stage: Stage): Promise<string[]> {
  return (await stage.pool.query('select name, email from counterpart.customers')).rows
    .map(asText)
    .toSorted();
}

async function allHave(people: readonly string[]): Promise<void> {
  await until(`all three have ${people.join(', ')}`, async () => {
    const sides = await Promise.all([there(), peopleIn(one), peopleIn(two)]);
    return sides.every((side) => JSON.stringify(side) === JSON.stringify(people));
  });
  await Promise.all([one.settled(), two.settled()]);
}

async function idIn(stage: Stage, email: string): Promise<string> {
  return (await stage.call('GET', `/customers?email=${email}`)).body.data[0].id;
}

async function swept(stage: Stage): Promise<Loose> {
  let asked: Loose;
  await until('no other sweep runs', async () => {
    asked = await stage.call('POST', '/sweeps');
    return asked.status === 202;
  });
  const report = async (): Promise<Loose> => (await stage.call('GET', `/sweeps/${asked.body.id}`)).body;
  await until('the sweep is done', async () => (await report()).state === 'done');
  return report();
}

test('failure 57, I1, I2, I7: one customer there and one record in each, whoever made it; edits and deletions reach all three; then silence', async () => {
  await Promise.all([
    one.call('POST', '/customers', { name: 'Ann', email: 'ann@two.example' }),
    one.call('POST', '/customers', { name: 'Cyd', email: 'cyd@two.example' }),
    two.call('POST', '/customers', { name: 'Bob', email: 'bob@two.example' }),
    two.call('POST', '/customers', { name: 'Dan', email: 'dan@two.example' }),
  ]);
  await allHave([
    'Ann <ann@two.example>',
    'Bob <bob@two.example>',
    'Cyd <cyd@two.example>',
    'Dan <dan@two.example>',
    'Elder <elder@two.example>',
  ]);
  expect(await idIn(one, 'ann@two.example')).not.toBe(await idIn(two, 'ann@two.example'));

  // each edits and deletes what the other made; two fields of one person are edited at once
  const annInTwo = await idIn(two, 'ann@two.example');
  await Promise.all([
    one.call('PATCH', `/customers/${await idIn(one, 'ann@two.example')}`, { name: 'Anna' }),
    two.call('PATCH', `/customers/${annInTwo}`, { email: 'anna@two.example' }),
    one.call('PATCH', `/customers/${await idIn(one, 'bob@two.example')}`, { name: 'Bobby' }),
    one.call('DELETE', `/customers/${await idIn(one, 'dan@two.example')}`),
    two.call('DELETE', `/customers/${await idIn(two, 'cyd@two.example')}`),
  ]);
  const people = ['Anna <anna@two.example>', 'Bobby <bob@two.example>', 'Elder <elder@two.example>'];
  await allHave(people);

  const writes = (await one.writes()).length;
  expect((await Promise.all([swept(one), swept(two)])).map(({ found }) => found)).toEqual([0, 0]);
  await allHave(people);
  expect(await one.writes()).toHaveLength(writes);
  // four births, and each edit once
  expect(writes).toBe(4 + 3);
  const endpoint = ({ url }: Stage): string => `${url}/webhooks/stripe`;
  expect((await endpoints()).toSorted()).toEqual([endpoint(one), endpoint(two)].toSorted());
  expect(one.api.output() + two.api.output()).not.toContain('"result":"forged"');
}, 90_000);
