/**
 * Failures 40, 44 and 50: a process is asked to end while Postgres or Temporal takes everything and answers nothing. Who supervises
 * it waits for 20 to 30 s (docker-compose.yml) before it kills. Ending takes up to 18 s, nearly all of it waiting: so the
 * processes of all stories are ended side by side.
 */
import { startProxy } from '../chaos/proxy';
import type { Proxy } from '../chaos/proxy';
import { until } from '../environment/until';
import { chanceOf } from '../simulation/world/chance';
import { anyFreePort } from '../../src/embedded/ports';
import { createPart, startStage } from './stage';
import type { Part, Stage } from './stage';

/** The last bound of a process that was asked to end (src/bin/ending.ts), and what a busy machine needs beyond it. */
const ENDS_WITHIN_MS = 20_000;
const ALL_END_MS = 90_000;

/** A process of its own, with ways to Postgres and Temporal of its own. */
interface Ending {
  readonly part: Part;
  readonly url: string;
  readonly postgres: Proxy;
  readonly temporal: Proxy;
}

interface Ended {
  readonly code: number | null;
  readonly inTime: boolean;
}

let stage: Stage;
const begun: Ending[] = [];

async function prepared(program: 'api' | 'worker'): Promise<Ending> {
  const database = new URL(stage.databaseUrl);
  const [, temporalPort] = stage.temporal.address.split(':');
  const postgres = await startProxy([Number(database.port)], chanceOf(1));
  const temporal = await startProxy([Number(temporalPort)], chanceOf(1));
  database.port = String(postgres.port);
  const port = String(await anyFreePort());
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...stage.env,
    DATABASE_URL: database.href,
    TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}`,
    [program === 'api' ? 'PORT' : 'WORKER_PORT']: port,
  };
  const ending = { part: createPart(`${program}.js`, env, `${url}/health/ready`), url, postgres, temporal };
  begun.push(ending);
  return ending;
}

async function toEnd({ part }: Ending): Promise<Ended> {
  const began = Date.now();
  const code = await part.stop();
  return { code, inTime: Date.now() - began < ENDS_WITHIN_MS };
}

const HANGING = {
  Temporal: ({ temporal }: Ending) => [temporal],
  Postgres: ({ postgres }: Ending) => [postgres],
  'each of the two': ({ temporal, postgres }: Ending) => [temporal, postgres],
} as const;

async function worker(
  hanging: (ending: Ending) => readonly Proxy[],
): Promise<{ ending: Ending; ended: Ended }> {
  const ending = await prepared('worker');
  await ending.part.start();
  for (const proxy of hanging(ending)) proxy.begin({ kind: 'blackhole' });
  return { ending, ended: await toEnd(ending) };
}

async function waitingWorker(): Promise<{ ending: Ending; ended: Ended }> {
  const ending = await prepared('worker');
  ending.temporal.begin({ kind: 'blackhole' });
  const starting = ending.part.start().catch(() => undefined);
  await until('it has come as far as that', async () => ending.part.output().includes('"msg":"connected"'));
  const ended = await toEnd(ending);
  await starting;
  return { ending, ended };
}

async function api(): Promise<{ ended: Ended; asked: string }> {
  const ending = await prepared('api');
  await ending.part.start();
  ending.postgres.begin({ kind: 'blackhole' });
  const asked = fetch(`${ending.url}/customers`).then(
    () => 'answered',
    () => 'broken off',
  );
  // what is answered after it came after it
  expect((await fetch(`${ending.url}/health/live`)).status).toBe(200);
  return { ended: await toEnd(ending), asked: await asked };
}

let workers: Record<keyof typeof HANGING, Awaited<ReturnType<typeof worker>>>;
let waiting: Awaited<ReturnType<typeof waitingWorker>>;
let asked: Awaited<ReturnType<typeof api>>;

beforeAll(async () => {
  stage = await startStage({ start: false });
  const [one, two, three, four, five] = await Promise.all([
    worker(HANGING.Temporal),
    worker(HANGING.Postgres),
    worker(HANGING['each of the two']),
    waitingWorker(),
    api(),
  ]);
  workers = { Temporal: one, Postgres: two, 'each of the two': three };
  waiting = four;
  asked = five;
}, ALL_END_MS);

afterAll(async () => {
  await Promise.all(begun.map(({ part }) => part.kill()));
  await Promise.all(begun.flatMap(({ postgres, temporal }) => [postgres.close(), temporal.close()]));
  await stage.close();
}, 60_000);

test.each([
  ['Temporal', 1, /told to end, and not all of it has within 18 s/],
  ['Postgres', 0, /the poll lease was not released; it runs out/],
  ['each of the two', 1, /"not_ended":\[.*"activities and farewell of /],
] as const)(
  'I14, failures 40 and 44: a worker is told to end while %s answers nothing: it ends within 20 s and says what has not',
  (hanging, code, said) => {
    const { ending, ended } = workers[hanging];
    expect(ended).toEqual({ code, inTime: true });
    expect(ending.part.output()).toMatch(said);
  },
);

test('I14, failures 44 and 50: a worker is told to end while it waits for a Temporal that answers nothing: it ends within 20 s', () => {
  expect(waiting.ended).toEqual({ code: 1, inTime: true });
  expect(waiting.ending.part.output()).toMatch(/"not_ended":\["connecting to Temporal"\]/);
});

test('I14, failures 36 and 44: an api is told to end while Postgres answers nothing to a request: it ends within 20 s', () => {
  expect(asked).toEqual({ ended: { code: 0, inTime: true }, asked: 'broken off' });
});
