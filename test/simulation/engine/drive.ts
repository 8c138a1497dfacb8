/** One run of one plan, from its start population to the quiet at the end. */
import type { Connector } from '../../../src/connectors/connector';
import { startPolling } from '../../../src/inbound/poll';
import { recordOf } from '../world/plan';
import type { Act, Citizen, Plan } from '../world/plan';
import type { Moment, Outcome, Violation } from './outcome';
import { comeToRest } from './rest';
import { Endless } from './scheduler';
import type { Waiter } from './sleepers';
import { setStage, START_MS } from './stage';
import type { Stage, StageOptions } from './stage';
import { INSTALLATION } from './surroundings';

const STALL_MAX_MS = 40_000;

export interface DriveOptions extends StageOptions {
  /** The process dies that is given this turn, counted from 1 over the turns of all processes that can die, from the first act on. */
  readonly diesAt?: number;
}

class Run {
  constructor(
    private readonly plan: Plan,
    private readonly stage: Stage,
    private readonly diesAt: number | null,
  ) {}

  /** Deaths and stalls at any turn, as often as the plan says. @returns how long the waiter is kept */
  private fateOf({ owner }: Waiter): number {
    const { world, processes, weather } = this.stage;
    const { deaths, stalls } = this.plan.rates;
    const name = processes.nameOf(owner);
    if (name === null) return 0;
    const { tally } = world;
    tally.boundaries += 1;
    if (tally.boundaries === this.diesAt) processes.kill(name);
    if (deaths === 0 && stalls === 0) return 0;
    if (weather.happens(deaths)) {
      processes.kill(name);
      return 0;
    }
    if (!weather.happens(stalls)) return 0;
    tally.faults['stall'] = (tally.faults['stall'] ?? 0) + 1;
    return 1 + weather.int(STALL_MAX_MS);
  }

  private moment(): Moment {
    const { effects } = this.stage.world.remotes.ledger;
    return { step: this.stage.scheduler.steps, at_ms: this.stage.scheduler.now_ms(), ledger: effects.length };
  }

  private async populate(stands: ReadonlyArray<Citizen['stands']>): Promise<void> {
    const { world, product } = this.stage;
    const { remotes } = world;
    for (const { who, stands: how, at, fields, theirs } of this.plan.population) {
      if (!stands.includes(how)) continue;
      if (how !== 'there') {
        const write = { does: 'insert', who, fields } as const;
        await product.write(-1, [write], 'commit', () => recordOf(who));
      }
      if (how === 'there' || how === 'strangers') {
        remotes.perform({ kind: 'plant there', connection: at, who, fields: theirs });
      }
    }
  }

  private async rest(): Promise<void> {
    const goesOn = await comeToRest(this.stage);
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
    const { operator, processes, scheduler } = this.stage;
    const { store } = operator.session;
    scheduler.letPass(true);
    for (const connector of operator.connectors.values()) {
      await store.connections.register(connector.connection, connector.system);
    }
    for (const connector of operator.connectors.values()) await this.startCursor(connector);
    processes.start('api');
    await this.populate(['paired']);
    processes.startAll();
    await this.rest();
    scheduler.letPass(false);
    await this.populate(['here', 'there', 'strangers']);
  }

  /** What is told before a cursor stands is for the first sweep; here everything is told after it. */
  private async startCursor(connector: Connector): Promise<void> {
    const { operator, scheduler } = this.stage;
    const ports = { store: operator.session.store, now: () => scheduler.now_ms() };
    while ((await startPolling(ports, connector)) !== null) await operator.turns.sleep(1_000, 'the cursor');
  }

  private async play(): Promise<void> {
    const { scheduler, world, director } = this.stage;
    world.healed = false;
    scheduler.stallFor = (waiter) => this.fateOf(waiter);
    if (this.plan.held) await this.hold();
    else {
      for (const { first, acts } of this.stretches()) {
        director.begin(acts, first);
        await this.rest();
      }
    }
    scheduler.stallFor = () => 0;
    world.healed = true;
    world.remotes.heal();
  }

  /** Nothing is heard and nothing looked at before all acts are over (I8). */
  private async hold(): Promise<void> {
    const { processes, webhooks, director, operator } = this.stage;
    for (const name of this.plan.workers) processes.end(name);
    webhooks.hold();
    for (const { first, acts } of this.stretches()) {
      director.begin(acts, first);
      do await operator.turns.sleep(500, 'deliveries are held');
      while (!director.idle);
    }
    webhooks.release();
    processes.startAll();
  }

  private async story(): Promise<Pick<Outcome, 'settled' | 'contents' | 'moments'>> {
    const { world, director } = this.stage;
    const { database, remotes } = world;
    await this.setUp();
    await this.play();
    const quiet = this.moment();
    await this.rest();
    const atRest = this.moment();
    const settled = await database.contents();
    remotes.redeliver();
    for (const { name } of remotes.systems) await director.sweep(name);
    await this.rest();
    return { settled, contents: await database.contents(), moments: { quiet, atRest, atEnd: this.moment() } };
  }

  async drive(): Promise<Outcome> {
    const { world, scheduler } = this.stage;
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
    const { doubts, effects } = world.remotes.ledger;
    const made = effects.filter((effect) => effect.does === 'create' && effect.applied);
    tally.doubts = doubts.size;
    tally.doubtsMade = new Set(made.map(({ key }) => key ?? '').filter((key) => doubts.has(key))).size;
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
    const stage = await setStage(plan, options);
    return await new Run(plan, stage, options.diesAt ?? null).drive();
  } finally {
    isDriving = false;
  }
}
