/** One run of one plan, from its start population to the quiet at the end. */
import { createRemotes } from '../world/remotes';
import type { Remotes } from '../world/remotes';
import { chanceOf } from '../world/chance';
import { recordOf } from '../world/plan';
import type { Act, Citizen, Plan } from '../world/plan';
import { createMemoryDatabase } from '../store/memoryDatabase';
import { Director } from './director';
import type { Moment, Outcome, Tally, Violation } from './outcome';
import type { Chance, SimulatedDatabase, VirtualClock } from './ports';
import { Processes } from './processes';
import { Product } from './product';
import { comeToRest } from './rest';
import type { RestParts } from './rest';
import { Endless, Scheduler } from './scheduler';
import type { Owner, Waiter } from './sleepers';
import { createLog, FINGERPRINT, INSTALLATION, policiesOf } from './surroundings';
import type { Surroundings } from './surroundings';
import { Temporal } from './temporal';
import { Webhooks } from './webhooks';
import { openLife } from './workerProcess';
import type { Life } from './workerProcess';

/** 2026-01-01, a Thursday. */
const START_MS = 1_767_225_600_000;
const STEPS_MAX = 60_000;
const STALL_MAX_MS = 40_000;
const PACED_SHARE = 0.15;

/** What makes the Postgres of a run; the middle tier binds a real one here. */
export interface DatabasePorts {
  readonly clock: VirtualClock;
  readonly chance: Chance;
  readonly onNotify: () => void;
}

export interface DriveOptions {
  readonly database?: (ports: DatabasePorts) => SimulatedDatabase;
  /** Resolves when nothing is under way outside of this process; see Scheduler. */
  readonly outside?: () => Promise<void>;
  readonly heard?: ((line: string) => void) | undefined;
  /** Collects log lines and what crosses into histories. */
  readonly listens?: boolean;
  /** The process dies that is given this turn, counted from 1 over the turns of all processes that can die, from the first act on. */
  readonly diesAt?: number;
}

function emptyTally(): Tally {
  return { steps: 0, looks: 0, crashes: 0, boundaries: 0, virtual_ms: 0, acts: {}, faults: {} };
}

class Run {
  private readonly scheduler: Scheduler;
  private readonly world: Surroundings;
  private readonly processes: Processes;
  private readonly product: Product;
  private readonly webhooks: Webhooks;
  private readonly operator: Life;
  private readonly director: Director;
  private readonly parts: RestParts;
  private readonly rates: Chance;
  private lastLate_ms = Number.NEGATIVE_INFINITY;
  private readonly diesAt: number | null;

  constructor(
    private readonly plan: Plan,
    options: DriveOptions,
  ) {
    const chanceFor = (branch: number): Chance => chanceOf(plan.schedule * 8 + branch);
    this.rates = chanceFor(1);
    const { heard, outside } = options;
    this.diesAt = options.diesAt ?? null;
    const order = chanceFor(0);
    this.scheduler = new Scheduler({
      chance: order,
      start_ms: START_MS,
      stepsMax: STEPS_MAX,
      heard,
      outside,
    });
    const { scheduler } = this;
    const chance = chanceFor(2);
    const temporal = new Temporal(scheduler, chanceFor(3));
    const own: Owner = { name: 'remotes', alive: true };
    const tally = emptyTally();
    const remotes: Remotes = createRemotes({
      plan,
      installation: INSTALLATION,
      chance: chanceFor(4),
      clock: scheduler,
      step: () => scheduler.steps,
      own: scheduler.turnsOf(own),
      deliver: (delivery) => this.webhooks.hand(delivery),
      onMoment: (moment) => this.director.onMoment(moment),
      onFault: (name) => this.noteFault(name),
      onError: (error) => scheduler.fail(error),
    });
    const make = options.database ?? createMemoryDatabase;
    const database = make({
      clock: { now_ms: () => scheduler.now_ms() + this.director.skew_ms },
      chance: chanceFor(5),
      onNotify: () => this.processes.notifyAll(),
    });
    const spoken = options.listens === true ? [] : null;
    this.world = {
      plan,
      scheduler,
      chance,
      database,
      remotes,
      temporal,
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
    this.processes = new Processes(this.world);
    this.operator = openLife({ ...this.world, paced: false }, 'operator');
    const sleep = (ms: number): Promise<void> =>
      this.operator.turns.sleep(ms, 'the product waits for its api');
    this.product = new Product(this.world, this.processes, sleep);
    this.webhooks = new Webhooks(this.world, this.processes);
    this.director = new Director(this.world, this.processes, this.product, this.operator);
    this.parts = {
      world: this.world,
      processes: this.processes,
      director: this.director,
      webhooks: this.webhooks,
      life: this.operator,
      lastLate_ms: () => this.lastLate_ms,
    };
  }

  private noteFault(name: string): void {
    const { faults } = this.world.tally;
    faults[name] = (faults[name] ?? 0) + 1;
    this.scheduler.note(`fault: ${name}`);
    this.lastLate_ms = this.scheduler.now_ms();
  }

  /** Deaths and stalls at any turn, as often as the plan says. @returns how long the waiter is kept */
  private fateOf({ owner }: Waiter): number {
    const { deaths, stalls } = this.plan.rates;
    const name = this.processes.nameOf(owner);
    if (name === null) return 0;
    const { tally } = this.world;
    tally.boundaries += 1;
    if (tally.boundaries === this.diesAt) this.processes.kill(name);
    if (deaths === 0 && stalls === 0) return 0;
    if (this.rates.happens(deaths)) {
      this.processes.kill(name);
      return 0;
    }
    if (!this.rates.happens(stalls)) return 0;
    const { faults } = tally;
    faults['stall'] = (faults['stall'] ?? 0) + 1;
    return 1 + this.rates.int(STALL_MAX_MS);
  }

  private moment(): Moment {
    const { effects } = this.world.remotes.ledger;
    return { step: this.scheduler.steps, at_ms: this.scheduler.now_ms(), ledger: effects.length };
  }

  private async populate(stands: ReadonlyArray<Citizen['stands']>): Promise<void> {
    const { remotes } = this.world;
    for (const { who, stands: how, at, fields, theirs } of this.plan.population) {
      if (!stands.includes(how)) continue;
      if (how !== 'there') {
        const write = { does: 'insert', who, fields } as const;
        await this.product.write(-1, [write], 'commit', () => recordOf(who));
      }
      if (how === 'there' || how === 'strangers') {
        remotes.perform({ kind: 'plant there', connection: at, who, fields: theirs });
      }
    }
  }

  private async rest(): Promise<void> {
    const goesOn = await comeToRest(this.parts);
    if (goesOn !== null) throw new Endless(goesOn);
  }

  private stretches(): Array<{ first: number; acts: Act[] }> {
    const stretches: Array<{ first: number; acts: Act[] }> = [{ first: 0, acts: [] }];
    for (const [place, act] of this.plan.acts.entries()) {
      if (act.deed.kind === 'rest') stretches.push({ first: place + 1, acts: [] });
      else stretches.at(-1)?.acts.push(act);
    }
    return stretches;
  }

  /** Everybody's connections are known before anything stands anywhere. */
  private async setUp(): Promise<void> {
    const { store } = this.operator.session;
    for (const connector of this.operator.connectors.values()) {
      await store.connections.register(connector.connection, connector.system);
    }
    this.processes.start('api');
    await this.populate(['paired']);
    this.processes.startAll();
    await this.rest();
    await this.populate(['here', 'there', 'strangers']);
  }

  private async play(): Promise<void> {
    const { scheduler, world } = this;
    world.healed = false;
    scheduler.stallFor = (waiter) => this.fateOf(waiter);
    if (this.plan.held) await this.hold();
    else {
      for (const { first, acts } of this.stretches()) {
        this.director.begin(acts, first);
        await this.rest();
      }
    }
    scheduler.stallFor = () => 0;
    world.healed = true;
    world.remotes.heal();
  }

  /** Nothing is heard and nothing looked at before all acts are over (I8). */
  private async hold(): Promise<void> {
    const { workers } = this.plan;
    for (const name of workers) this.processes.end(name);
    this.webhooks.hold();
    for (const { first, acts } of this.stretches()) {
      this.director.begin(acts, first);
      do await this.operator.turns.sleep(500, 'deliveries are held');
      while (!this.director.idle);
    }
    this.webhooks.release();
    this.processes.startAll();
  }

  private async story(): Promise<Pick<Outcome, 'settled' | 'contents' | 'moments'>> {
    const { database, remotes } = this.world;
    await this.setUp();
    await this.play();
    const quiet = this.moment();
    await this.rest();
    const atRest = this.moment();
    const settled = await database.contents();
    remotes.redeliver();
    for (const { name } of remotes.systems) await this.director.sweep(name);
    await this.rest();
    return { settled, contents: await database.contents(), moments: { quiet, atRest, atEnd: this.moment() } };
  }

  async drive(): Promise<Outcome> {
    const { world, scheduler } = this;
    const { tally, violations } = world;
    let told: Awaited<ReturnType<Run['story']>> | null = null;
    let came: Outcome['came'] = 'rest';
    const story = this.story().then(
      (end) => void (told = end),
      (error: unknown) => scheduler.fail(error),
    );
    try {
      await scheduler.run(() => told !== null || violations.length > 0);
      await story;
    } catch (error) {
      if (!(error instanceof Endless)) throw error;
      came = 'bound';
      violations.push({ invariant: 'I14', detail: `no rest: ${error.message}` });
    }
    const runs = world.temporal.all().map((execution) => execution.seen());
    violations.push(...judgeRuns(runs));
    tally.steps = scheduler.steps;
    tally.virtual_ms = scheduler.now_ms() - START_MS;
    const now = this.moment();
    const contents = await world.database.contents();
    const unfinished = { settled: contents, contents, moments: { quiet: now, atRest: now, atEnd: now } };
    return {
      plan: this.plan,
      hash: scheduler.hash.digest(),
      installation: INSTALLATION,
      written: world.written,
      remotes: world.remotes,
      ledger: world.remotes.ledger,
      handed: world.handed,
      runs,
      came,
      ...(told ?? unfinished),
      spoken: world.spoken ?? [],
      violations,
      tally,
    };
  }
}

const EVENTS_MAX = 1_000;
/** Tasks that are done again: one met a signal, the other was a dead or stalled worker's. */
const FORGIVEN = new Set(['UnhandledCommand', 'TimedOut']);

function judgeRuns(runs: Outcome['runs']): Violation[] {
  const invariant = 'I13';
  return runs.flatMap(({ workflowId, events, ending, failure, failedTasks }) => {
    const found: Violation[] = [];
    if (events >= EVENTS_MAX) found.push({ invariant, detail: `${workflowId}: a run with ${events} events` });
    if (ending === 'failed') found.push({ invariant, detail: `${workflowId} failed: ${failure}` });
    const other = Object.keys(failedTasks).filter((cause) => !FORGIVEN.has(cause));
    if (other.length > 0)
      found.push({ invariant, detail: `${workflowId}: tasks failed by ${other.join(', ')}` });
    return found;
  });
}

let isDriving = false;

/**
 * Runs a plan. The same plan and code give the same outcome.
 * @throws when another run is under way in this thread: their microtasks would mix
 */
export async function drive(plan: Plan, options: DriveOptions = {}): Promise<Outcome> {
  if (isDriving) throw new Error('One run at a time: another one is under way in this thread');
  isDriving = true;
  try {
    return await new Run(plan, options).drive();
  } finally {
    isDriving = false;
  }
}
