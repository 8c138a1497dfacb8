/** Failure 7: the system answers 429 to everything for a while. */
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

const RECORDS = 30;
const PER_SECOND = 40;
const STORM_REQUESTS = 60;
const STORM_MS = 60_000;
const HEALED_MS = 60_000;

let stage: Stage;

beforeAll(async () => {
  stage = await startStage({
    env: { STRIPE_RATE_LIMIT: String(PER_SECOND) },
    simulator: { faults: true },
  });
}, 60_000);

afterAll(() => stage.close());

async function refusals(): Promise<Loose[]> {
  const { data } = await stage.stripe('GET', '/_sim/requests?limit=10000');
  return data.filter((request: Loose) => request.status === 429);
}

const limit = async () => (await stage.call('GET', '/connections')).body.data[0];

test('failure 7: nothing is parked or paused, the pace falls, nobody insists; when the storm is over all is sent once', async () => {
  expect((await limit()).rate_limit).toMatchObject({ per_second: PER_SECOND, now_per_second: PER_SECOND });
  await stage.stripe('POST', '/_sim/faults', { faults: [{ name: 'rate-limited', times: null }] } as Loose);
  for (let i = 0; i < RECORDS; i += 1) {
    await stage.call('POST', '/customers', { name: `Storm ${i}`, email: `storm${i}@example.com` });
  }
  const began = Date.now();
  await until('the storm was met', async () => (await refusals()).length >= STORM_REQUESTS, STORM_MS);
  const seconds = (Date.now() - began) / 1000;
  // half, and half again: all of it were 40 a second
  expect((await refusals()).length / seconds).toBeLessThan(PER_SECOND / 2);
  const { rate_limit: slowed, state, breaker } = await limit();
  expect(slowed.now_per_second).toBeLessThan(PER_SECOND / 2);
  expect({ state, breaker }).toEqual({ state: 'active', breaker: null });
  const { counts } = (await stage.call('GET', '/status')).body;
  expect(counts).toMatchObject({ parked: 0, paused: 0 });

  await stage.stripe('DELETE', '/_sim/faults');
  const done = async () => (await stage.call('GET', '/status')).body.counts.in_sync === RECORDS;
  await until('all are in sync', done, HEALED_MS);
  const made = (await stage.writes()).filter(({ status }) => status === 200);
  expect(made).toHaveLength(RECORDS);
}, 180_000);
