/**
 * Failure 48: the clock of one process is off by an hour, Stripe's and Postgres's are right. Times that matter are
 * Postgres's, and the poll's cursor is Stripe's; the api's own clock judges one thing only, the age of a signature.
 */
import path from 'node:path';
import { until } from '../environment/until';
import { createPart, startStage } from './stage';
import type { Loose, Part, Stage } from './stage';

const PRELOAD = path.join(__dirname, 'wrongClock.cjs');
const HOUR_MS = 3_600_000;

let stage: Stage;
const parts: Part[] = [];
beforeAll(async () => {
  stage = await startStage({ simulator: { faults: true }, env: { STRIPE_POLL_MS: '250' }, start: false });
}, 60_000);
afterEach(async () => {
  await Promise.all(parts.splice(0).map((part) => part.stop()));
  await stage.stripe('DELETE', '/_sim/faults');
}, 60_000);
afterAll(() => stage.close());

/** By how much each clock is off. */
interface Clocks {
  readonly api: number;
  readonly worker: number;
}

async function startOff(program: keyof Clocks, off_ms: number): Promise<void> {
  const clock = { NODE_OPTIONS: `--require ${PRELOAD}`, CLOCK_OFF_MS: String(off_ms) };
  const url = program === 'api' ? stage.url : stage.workerUrl;
  const part = createPart(`${program}.js`, { ...stage.env, ...clock }, `${url}/health/ready`);
  parts.push(part);
  await part.start();
  expect(Math.abs(clockOf(part) - off_ms - Date.now())).toBeLessThan(HOUR_MS / 60);
}

/** By what its log says, the clock of the process is really off. */
function clockOf(part: Part): number {
  const times = [...part.output().matchAll(/"time":"?([^",]+)"?/g)].map(([, time]) => time ?? '');
  const last = times.at(-1) ?? '';
  return /^\d+$/.test(last) ? Number(last) : Date.parse(last);
}

async function there(email: string): Promise<Loose> {
  return (await stage.stripe('GET', `/v1/customers?email=${email}`)).data[0];
}

async function here(email: string): Promise<Loose> {
  return (await stage.call('GET', `/customers?email=${email}`)).body.data[0];
}

/**
 * Born, edited and deleted on either side. What happens there happens at once, and the worker finds something to do when it
 * starts: the poll looks seldom while nothing happens.
 */
async function allGoesOn(when: string, clocks: Clocks): Promise<void> {
  await startOff('api', clocks.api);
  const mail = (name: string): string => `${name}.${when}@clocks.example`;
  const names = ['edited.here', 'edited.there', 'deleted.here', 'deleted.there'];
  const made = await Promise.all(
    names.map((name) => stage.call('POST', '/customers', { name, email: mail(name) })),
  );
  await startOff('worker', clocks.worker);
  await until('all are there', async () =>
    (await Promise.all(names.map((name) => there(mail(name))))).every((found) => found !== undefined),
  );
  await stage.settled();
  const remoteOf = async (name: string): Promise<string> => `/v1/customers/${(await there(mail(name))).id}`;
  await Promise.all([
    stage.stripe('POST', await remoteOf('edited.there'), { name: 'Edited there' }),
    stage.stripe('DELETE', await remoteOf('deleted.there')),
    stage.stripe('POST', '/v1/customers', { name: 'Born', email: mail('born') }),
    stage.call('PATCH', `/customers/${made[0].body.id}`, { name: 'Edited here' }),
    stage.call('DELETE', `/customers/${made[2].body.id}`),
  ]);
  await until('the birth is here', async () => (await here(mail('born'))) !== undefined);
  await until(
    'the edit there is here',
    async () => (await here(mail('edited.there'))).name === 'Edited there',
  );
  await until('the deletion there is here', async () => (await here(mail('deleted.there'))) === undefined);
  await until(
    'the edit here is there',
    async () => (await there(mail('edited.here'))).name === 'Edited here',
  );
  await until('the deletion here is there', async () => (await there(mail('deleted.here'))) === undefined);
  await stage.settled();
}

async function heardBy(source: 'webhook' | 'poll'): Promise<number> {
  return (await stage.pool.query('select from counterpart.events where source = $1', [source])).rowCount ?? 0;
}

async function refused(): Promise<number> {
  const text = await (await fetch(`${stage.url}/metrics`)).text();
  return Number(/^counterpart_webhooks_total\{.*result="forged".*\} (\d+)/m.exec(text)?.[1] ?? 0);
}

test("failure 48: the worker's clock is an hour ahead on a new account, and no webhook comes: all goes on, the poll hears everything", async () => {
  await stage.stripe('POST', '/_sim/faults', { name: 'drop-deliveries', times: null } as Loose);
  await allGoesOn('worker.ahead', { api: 0, worker: HOUR_MS });
  expect(await heardBy('webhook')).toBe(0);
}, 90_000);

test("failure 48: the api's clock is an hour ahead and the worker's behind: every signature is too old, webhooks are refused, and the poll brings everything", async () => {
  await allGoesOn('apart', { api: HOUR_MS, worker: -HOUR_MS });
  expect(await refused()).toBeGreaterThan(0);
  expect(await heardBy('webhook')).toBe(0);
}, 90_000);
