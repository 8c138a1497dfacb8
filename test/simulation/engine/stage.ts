/** Everything that one run needs, put together: the world, its processes, who acts in it and who watches over it. */
import { createRemotes } from '../world/remotes';
import type { Remotes } from '../world/remotes';
import { chanceOf } from '../world/chance';
import type { Plan } from '../world/plan';
import { createMemoryDatabase } from '../store/memoryDatabase';
import { Director } from './director';
import { emptyTally } from './outcome';
import type { Chance, SimulatedDatabase, VirtualClock } from './ports';
import { Processes } from './processes';
import { Product } from './product';
import { Scheduler } from './scheduler';
import type { Owner } from './sleepers';
import { createLog, FINGERPRINT, INSTALLATION, policiesOf } from './surroundings';
import type { Surroundings } from './surroundings';
import { Temporal } from './temporal';
import { Webhooks } from './webhooks';
import { openLife } from './workerProcess';
import type { Life } from './workerProcess';

/** 2026-01-01, a Thursday. */
export const START_MS = 1_767_225_600_000;
const STEPS_MAX = 60_000;
const PACED_SHARE = 0.15;

/** What makes the Postgres of a run; the middle tier binds a real one here. */
export interface DatabasePorts {
  readonly clock: VirtualClock;
  readonly chance: Chance;
  /** Of what Postgres itself draws. */
  readonly seed: number;
  readonly onNotify: () => void;
}

/** A Postgres outside of this process says when its statements have come to a stop; see Scheduler. */
export type BoundDatabase = SimulatedDatabase & { settled?(): Promise<void> };

export interface StageOptions {
  /** Default: in memory. */
  readonly database?: (ports: DatabasePorts) => Promise<BoundDatabase>;
  readonly heard?: ((line: string) => void) | undefined;
  /** Collects log lines and what crosses into histories. */
  readonly listens?: boolean;
}

export interface Stage {
  readonly scheduler: Scheduler;
  readonly world: Surroundings;
  readonly processes: Processes;
  readonly product: Product;
  readonly webhooks: Webhooks;
  readonly director: Director;
  readonly operator: Life;
  /** Virtual time of the last fault: a call may take effect late after it. */
  readonly lastLate_ms: () => number;
  /** Of the weather at each turn. */
  readonly weather: Chance;
}

const readings = new WeakMap<BoundDatabase, Set<Promise<unknown>>>();

/** The same database; a turn is not over before what was read of its contents is there. */
function atRest(bound: BoundDatabase): SimulatedDatabase {
  const open = new Set<Promise<unknown>>();
  readings.set(bound, open);
  return {
    connect: (turns) => bound.connect(turns),
    contents(names) {
      const reading = bound.contents(names);
      open.add(reading);
      return reading.finally(() => open.delete(reading));
    },
  };
}

async function restOf(bound: BoundDatabase): Promise<void> {
  await bound.settled?.();
  for (let open = readings.get(bound); open !== undefined && open.size > 0;) {
    await Promise.all(open);
    await bound.settled?.();
  }
}

/** What is only there when all is put together: the parts know each other both ways. */
interface Players {
  readonly processes: Processes;
  readonly webhooks: Webhooks;
  readonly director: Director;
}

export async function setStage(plan: Plan, options: StageOptions): Promise<Stage> {
  const chanceFor = (branch: number): Chance => chanceOf(plan.schedule * 8 + branch);
  let players: Players | null = null;
  let settled: (() => Promise<void>) | null = null;
  let lastLate_ms = Number.NEGATIVE_INFINITY;
  const there = (): Players => {
    if (players === null) throw new Error('Something happened before the stage was set');
    return players;
  };
  const scheduler = new Scheduler({
    chance: chanceFor(0),
    start_ms: START_MS,
    stepsMax: STEPS_MAX,
    heard: options.heard,
    outside: options.database === undefined ? undefined : async () => settled?.(),
  });
  const tally = emptyTally();
  const own: Owner = { name: 'remotes', alive: true };
  const remotes: Remotes = createRemotes({
    plan,
    installation: INSTALLATION,
    chance: chanceFor(4),
    clock: scheduler,
    step: () => scheduler.steps,
    own: scheduler.turnsOf(own),
    deliver: (delivery) => there().webhooks.hand(delivery),
    onMoment: (moment) => there().director.onMoment(moment),
    onFault(name) {
      tally.faults[name] = (tally.faults[name] ?? 0) + 1;
      scheduler.note(`fault: ${name}`);
      lastLate_ms = scheduler.now_ms();
    },
    onError: (error) => scheduler.fail(error),
  });
  const ports: DatabasePorts = {
    clock: { now_ms: () => scheduler.now_ms() + (players?.director.skew_ms ?? 0) },
    chance: chanceFor(5),
    seed: plan.schedule,
    onNotify: () => there().processes.notifyAll(),
  };
  const bound = await options.database?.(ports);
  const database: SimulatedDatabase = bound === undefined ? createMemoryDatabase(ports) : atRest(bound);
  settled = bound === undefined ? null : () => restOf(bound);
  const spoken = options.listens === true ? [] : null;
  const world: Surroundings = {
    plan,
    scheduler,
    chance: chanceFor(2),
    database,
    remotes,
    temporal: new Temporal(scheduler, chanceFor(3)),
    policies: policiesOf(plan),
    fingerprint: FINGERPRINT,
    log: createLog(spoken, (error) => scheduler.fail(error)),
    tally,
    written: [],
    handed: [],
    violations: [],
    spoken,
    paced: chanceFor(6).happens(PACED_SHARE),
    lastNews_ms: START_MS,
    healed: true,
  };
  const processes = new Processes(world);
  const operator = openLife({ ...world, paced: false }, 'operator');
  const sleep = (ms: number): Promise<void> => operator.turns.sleep(ms, 'the product waits for its api');
  const product = new Product(world, processes, sleep);
  const webhooks = new Webhooks(world, processes);
  const director = new Director(world, processes, product, operator);
  players = { processes, webhooks, director };
  return {
    processes,
    webhooks,
    director,
    scheduler,
    world,
    product,
    operator,
    lastLate_ms: () => lastLate_ms,
    weather: chanceFor(1),
  };
}
