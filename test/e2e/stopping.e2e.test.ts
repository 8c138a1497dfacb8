/**
 * Failures 40, 44 and 50: a process is asked to end while Postgres or Temporal takes everything and answers nothing. Who supervises
 * it waits for 20 to 30 s (docker-compose.yml) before it kills.
 */
import { startProxy } from '../chaos/proxy';
import type { Proxy } from '../chaos/proxy';
import { until } from '../environment/until';
import { chanceOf } from '../simulation/world/chance';
import { createPart, startStage } from './stage';
import type { Part, Stage } from './stage';

/** The last bound of a process that was asked to end (src/bin/ending.ts), and what a busy machine needs beyond it. */
const ENDS_WITHIN_MS = 20_000;

let stage: Stage;
let postgres: Proxy;
let temporal: Proxy;
let env: Record<string, string>;
const begun: Part[] = [];

beforeAll(async () => {
  stage = await startStage({ start: false });
  const database = new URL(stage.databaseUrl);
  const [, port] = stage.temporal.address.split(':');
  postgres = await startProxy([Number(database.port)], chanceOf(1));
  temporal = await startProxy([Number(port)], chanceOf(1));
  database.port = String(postgres.port);
  env = { ...stage.env, DATABASE_URL: database.href, TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}` };
}, 60_000);

afterEach(async () => {
  await Promise.all(begun.splice(0).map((one) => one.kill()));
  for (const proxy of [postgres, temporal]) proxy.heal();
});

afterAll(async () => {
  await stage.close();
  await Promise.all([postgres, temporal].map((proxy) => proxy.close()));
}, 60_000);

function prepared(program: 'api' | 'worker'): Part {
  const url = program === 'api' ? stage.url : stage.workerUrl;
  const made = createPart(`${program}.js`, env, `${url}/health/ready`);
  begun.push(made);
  return made;
}

async function toEnd(ending: Part): Promise<{ code: number | null; inTime: boolean }> {
  const began = Date.now();
  const code = await ending.stop();
  return { code, inTime: Date.now() - began < ENDS_WITHIN_MS };
}

test.each([
  ['Temporal', () => [temporal], 1, /told to end, and not all of it has within 18 s/],
  ['Postgres', () => [postgres], 0, /the poll lease was not released; it runs out/],
  ['each of the two', () => [temporal, postgres], 1, /"not_ended":\[.*"activities and farewell of /],
])(
  'I14, failures 40 and 44: a worker is told to end while %s answers nothing: it ends within 20 s and says what has not',
  async (_, hanging, code, said) => {
    const worker = prepared('worker');
    await worker.start();
    for (const proxy of hanging()) proxy.begin({ kind: 'blackhole' });
    expect(await toEnd(worker)).toEqual({ code, inTime: true });
    expect(worker.output()).toMatch(said);
  },
  60_000,
);

test('I14, failures 44 and 50: a worker is told to end while it waits for a Temporal that answers nothing: it ends within 20 s', async () => {
  const worker = prepared('worker');
  temporal.begin({ kind: 'blackhole' });
  const starting = worker.start().catch(() => undefined);
  await until('it has come as far as that', async () => worker.output().includes('"msg":"connected"'));
  expect(await toEnd(worker)).toEqual({ code: 1, inTime: true });
  expect(worker.output()).toMatch(/"not_ended":\["connecting to Temporal"\]/);
  await starting;
}, 60_000);

test('I14, failures 36 and 44: an api is told to end while Postgres answers nothing to a request: it ends within 20 s', async () => {
  const api = prepared('api');
  await api.start();
  postgres.begin({ kind: 'blackhole' });
  const asked = fetch(`${stage.url}/customers`).then(
    () => 'answered',
    () => 'broken off',
  );
  // what is answered after it came after it
  expect((await fetch(`${stage.url}/health/live`)).status).toBe(200);
  expect(await toEnd(api)).toEqual({ code: 0, inTime: true });
  expect(await asked).toBe('broken off');
}, 60_000);
