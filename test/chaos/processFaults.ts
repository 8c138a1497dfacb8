/** What is done to processes, and to what belongs to one of them: its key, its runs. */
import type { FaultKind, Injection, Mend } from './fault';
import { PART_NAMES, PRODUCT_KEY } from './stage';
import type { PartName, Stage } from './stage';

/** Requests under way get 8 s, a worker's activities 10 s and are then forced within 15 s; Temporal is asked to end within 8 s. */
const ENDS_WITHIN_MS = 20_000;
/** What is under way when a worker is killed. */
const SLOW_MS = 2_500;
const BUSY_RECORDS = 8;
/** What a killed worker had under way is to be attempted again by then. */
const TAKEN_OVER_MS = 16_000;
const CUSTOMERS = '/v1/customers*';

export const APIS = ['api-a', 'api-b'] as const;
export const WORKERS = ['worker-a', 'worker-b'] as const;
/** Shorter than any time-out of the product, and longer than its leases (10 s) and its start-to-close (14 s). */
export const SHORT_HOLD_MS = [1_500, 6_000] as const;
export const LONG_HOLD_MS = [15_500, 19_000] as const;

function partOf(stage: Stage, target: string) {
  const name = PART_NAMES.find((known): known is PartName => known === target);
  if (name === undefined) throw new Error(`${target} is no part`);
  return stage.parts[name];
}

export function killing(targets: readonly string[]): FaultKind {
  return {
    story: 'SIGKILL, and started again a little later',
    targets,
    lasts_ms: [300, 5_000],
    async begin({ stage }, target) {
      const part = partOf(stage, target);
      await part.kill();
      return () => part.start();
    },
  };
}

/** Both at once: nobody is left to take over until one is started again. */
export const killWorkers: FaultKind = {
  story: 'SIGKILL of both workers, started again a little later',
  targets: ['workers'],
  lasts_ms: [300, 5_000],
  async begin({ stage }) {
    const both = WORKERS.map((name) => stage.parts[name]);
    await Promise.all(both.map((part) => part.kill()));
    return async () => {
      await Promise.all(both.map((part) => part.start()));
    };
  },
};

/** Some records are looked at, and Stripe answers slowly: so that a worker that is killed now has something under way. */
async function keepBusy({ stage, board }: Injection): Promise<Mend> {
  const back = await board.order([
    { name: 'slow', api_key: PRODUCT_KEY, path: CUSTOMERS, delay_ms: SLOW_MS, times: BUSY_RECORDS },
  ]);
  // Postgres may be away by another fault: then nothing is under way, and nothing will be measured
  await stage.pool
    .query(
      `select counterpart.enqueue('customer', array(select id from counterpart.customers order by random() limit $1), 'operator')`,
      [BUSY_RECORDS],
    )
    .catch(() => undefined);
  return back;
}

export const killWorker: FaultKind = {
  story:
    'SIGKILL while it has calls under way, and started again a little later; the other worker is left alone',
  targets: WORKERS,
  lasts_ms: [300, 5_000],
  leftAlone: {
    targets: [...WORKERS, 'temporal', 'postgres', 'worker-postgres', 'worker-temporal', 'runs'],
    for_ms: TAKEN_OVER_MS,
  },
  async begin(injection, target) {
    const part = partOf(injection.stage, target);
    const back = await keepBusy(injection);
    const measure = await injection.takeovers.beforeKill(part.pid());
    await part.kill();
    measure();
    return async () => {
      await back();
      await part.start();
    };
  },
};

export function ending(targets: readonly string[]): FaultKind {
  return {
    story: 'asked to end (SIGTERM; Postgres and Temporal SIGINT), and started again',
    targets,
    lasts_ms: [300, 3_000],
    async begin({ stage, note, violation }, target) {
      const part = partOf(stage, target);
      const took = await part.terminate(ENDS_WITHIN_MS);
      if (took === null)
        violation('I14', `${target} did not end within ${ENDS_WITHIN_MS / 1000} s of being asked to`);
      else note(`${target} ended in ${(took / 1000).toFixed(1)} s`);
      return () => part.start();
    },
  };
}

export function holding(targets: readonly string[], lasts_ms: readonly [number, number]): FaultKind {
  return {
    story: `SIGSTOP, and SIGCONT ${lasts_ms[0] / 1000} to ${lasts_ms[1] / 1000} s later`,
    targets,
    lasts_ms,
    async begin({ stage }, target) {
      const part = partOf(stage, target);
      part.hold();
      return async () => part.letGoOn();
    },
  };
}

export async function restartSimulator({ stage, board }: Injection): Promise<Mend> {
  const links = stage.links.filter(({ kind }) => kind === 'worker-simulator');
  // what it noted is read to the end before it forgets it; answers under way never arrive
  for (const { proxy } of links) proxy.begin({ kind: 'blackhole' });
  await stage.requests.read();
  await board.beforeRestart();
  await stage.parts.simulator.terminate(ENDS_WITHIN_MS);
  for (const { proxy } of links) proxy.begin({ kind: 'cut' });
  return async () => {
    await stage.parts.simulator.start();
    await board.afterRestart();
    for (const { proxy } of links) proxy.heal();
  };
}

export async function terminateRuns({ stage, note }: Injection): Promise<Mend> {
  const runs = await stage.runs.open();
  // one that has just ended cannot be terminated
  const done = await Promise.allSettled(runs.map((run) => stage.runs.terminate(run)));
  note(`${done.filter(({ status }) => status === 'fulfilled').length} runs terminated by hand`);
  return async () => undefined;
}

export async function revokeKey(injection: Injection): Promise<Mend> {
  const { stage, board } = injection;
  const back = await board.order([{ name: 'revoked-key', api_key: PRODUCT_KEY, path: '/v1/*', times: null }]);
  return async () => {
    await back();
    await resumeConnections(stage);
  };
}

/** An operator has set a valid key and presses resume, at whichever api answers. */
export async function resumeConnections(stage: Stage): Promise<void> {
  for (const url of stage.apis) {
    const answer = await fetch(`${url}/connections/stripe/resume`, {
      method: 'POST',
      signal: AbortSignal.timeout(10_000),
    }).catch(() => null);
    if (answer?.ok === true) return;
  }
}
