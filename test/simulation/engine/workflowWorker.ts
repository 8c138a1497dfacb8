/** A worker's half of Temporal: runs workflow code and activities in one life of a process, and replays what others began. */
import { failureFrom, nextAttempt_ms } from './wire';
import type { Command, Ending, Job, LocalCommand, TaskRecord } from './wire';
import { Instance } from './instance';
import type { Execution, ServedActivity } from './history';
import type { Violation } from './outcome';
import type { Turns } from './ports';
import type { Scheduler } from './scheduler';
import type { Owner } from './sleepers';
import type { TakenTask, Temporal, WorkerLife } from './temporal';

/** 80 % of a task's time-out: then it is answered and goes on in another, as the SDK does. */
const HEARTBEAT_MS = 8_000;

export type Activity = (input: unknown) => Promise<unknown>;

export interface WorkerParts {
  readonly owner: Owner;
  readonly turns: Turns;
  readonly scheduler: Scheduler;
  readonly temporal: Temporal;
  /** The product's workflows, by type. */
  readonly workflows: Readonly<Record<string, (input: unknown) => Promise<unknown>>>;
  /** The product's activities, as they run for one workflow run. */
  readonly activitiesFor: (runId: string) => Readonly<Record<string, Activity>>;
  readonly violate: (violation: Violation) => void;
  /** Hears of everything that crosses into a history; null: nobody listens. */
  readonly crossed: ((text: string) => void) | null;
}

/** A run as this worker has it in its cache. */
interface Cached {
  readonly instance: Instance;
  /** Tasks of the history that it has gone through. */
  tasks: number;
  readonly results: Job[];
  under_way: number;
  /** A task goes through it now. One that was given up by the server may never come back: a new one replays. */
  busy: boolean;
  readonly begun: Set<number>;
  wake: () => void;
}

/** How a command is compared at replay. */
function signature(commands: readonly Command[]): string {
  return JSON.stringify(commands);
}

export class WorkflowWorker implements WorkerLife {
  readonly owner: Owner;
  /** Attempts of activities that go on, wanted or not. */
  underWay = 0;
  private readonly cache = new Map<string, Cached>();

  constructor(private readonly parts: WorkerParts) {
    this.owner = parts.owner;
  }

  /** For runs that are evicted from the cache: the next task is replayed. */
  evictAll(): void {
    this.cache.clear();
  }

  takeTask(execution: Execution): void {
    this.runTask(execution).catch((error: unknown) => this.parts.scheduler.fail(error));
  }

  takeActivity(execution: Execution, activity: ServedActivity): void {
    this.runActivity(execution, activity).catch((error: unknown) => this.parts.scheduler.fail(error));
  }

  /** A call to Temporal; while it is down it is made again and again. */
  private async reached(label: string): Promise<void> {
    const { turns, temporal } = this.parts;
    await turns.turn(label);
    while (temporal.down) await turns.sleep(1_000, label);
  }

  private async runTask(execution: Execution): Promise<void> {
    const { temporal } = this.parts;
    await this.reached(`take task of ${execution.workflowId}`);
    const task = temporal.startTask(execution, this);
    if (task === null) return;
    let cached = this.cache.get(execution.runId);
    if (cached === undefined || cached.busy || cached.tasks !== execution.records.length) {
      cached = await this.replay(execution);
      this.cache.set(execution.runId, cached);
    }
    cached.busy = true;
    const record = await this.work(execution, cached, task);
    if (record === null) return;
    await this.reached(`answer task of ${execution.workflowId}`);
    // one may have ended while the answer was on its way
    const more = cached.under_way > 0 || cached.results.length > 0;
    const taken = temporal.completeTask(execution, task.token, record, more);
    cached.busy = false;
    cached.tasks += 1;
    cached.instance.commands = [];
    const kept = taken && execution.open && this.cache.get(execution.runId) === cached;
    if (!kept && this.cache.get(execution.runId) === cached) this.cache.delete(execution.runId);
  }

  private instanceOf(execution: Execution): Instance {
    const { workflows, scheduler, violate } = this.parts;
    const { workflowId, runId, type, input } = execution;
    const code = workflows[type];
    if (code === undefined) throw new Error(`No workflow ${type} is known`);
    const searchAttributes = type === 'customer' ? { CounterpartCatalog: [type] } : {};
    const info = { workflowId, runId, workflowType: type, historyLength: 0, searchAttributes };
    const instance = new Instance(
      info,
      () => code(JSON.parse(input)),
      () => scheduler.drained(),
    );
    instance.broke = (error) => {
      execution.failure = String(error);
      violate({ invariant: 'I13', detail: `${workflowId} threw: ${String(error)}` });
      instance.ended = true;
    };
    return instance;
  }

  /** The same code is told the same again, and must ask for the same. */
  private async replay(execution: Execution): Promise<Cached> {
    const instance = this.instanceOf(execution);
    const cached: Cached = {
      instance,
      tasks: execution.records.length,
      results: [],
      under_way: 0,
      busy: false,
      begun: new Set(),
      wake: () => undefined,
    };
    const open = new Map<number, LocalCommand>();
    for (const record of execution.records) {
      for (const jobs of record.batches) await instance.activate(jobs, record.historyLength);
      const [asked, recorded] = [signature(instance.commands), signature(record.commands)];
      if (asked !== recorded) {
        const detail = `${execution.workflowId} asked for ${asked} at replay, its history has ${recorded}`;
        this.parts.violate({ invariant: 'I13', detail });
      }
      for (const command of instance.openLocals()) open.set(command.seq, command);
      instance.commands = [];
    }
    for (const command of instance.openLocals([...open.values()])) this.begin(execution, cached, command);
    return cached;
  }

  /** @returns what the task came to, or null when the run is over for this worker */
  private async work(execution: Execution, cached: Cached, task: TakenTask): Promise<TaskRecord | null> {
    const { instance } = cached;
    const { scheduler } = this.parts;
    const deadline_ms = scheduler.now_ms() + HEARTBEAT_MS;
    const batches: Array<readonly Job[]> = [];
    let jobs: readonly Job[] = [...task.jobs, ...cached.results.splice(0)];
    for (;;) {
      if (jobs.length > 0) {
        batches.push(jobs);
        await instance.activate(jobs, task.historyLength);
        if (instance.ended && instance.commands.length === 0) return null;
      }
      for (const command of instance.openLocals()) {
        if (!cached.begun.has(command.seq)) this.begin(execution, cached, command);
      }
      if (cached.under_way === 0 && cached.results.length === 0) break;
      const left_ms = deadline_ms - scheduler.now_ms();
      if (cached.results.length === 0 && left_ms > 0) {
        const nap = scheduler.nap(this.owner, left_ms, 'local activities under way');
        cached.wake = () => nap.wake();
        await nap.over;
      }
      if (cached.results.length === 0) break;
      jobs = cached.results.splice(0);
    }
    this.tellCrossed(batches, instance.commands);
    return { batches, commands: instance.commands, historyLength: task.historyLength };
  }

  private tellCrossed(batches: ReadonlyArray<readonly Job[]>, commands: readonly Command[]): void {
    const { crossed } = this.parts;
    if (crossed === null) return;
    crossed(JSON.stringify(batches));
    crossed(signature(commands));
  }

  private begin(execution: Execution, cached: Cached, command: LocalCommand): void {
    cached.begun.add(command.seq);
    cached.under_way += 1;
    const run = async (): Promise<void> => {
      const ending = await this.runLocal(execution, command);
      cached.under_way -= 1;
      cached.results.push({ kind: 'local', seq: command.seq, ending });
      cached.wake();
    };
    run().catch((error: unknown) => this.parts.scheduler.fail(error));
  }

  private async attempt(runId: string, name: string, args: string): Promise<Ending> {
    const activity = this.parts.activitiesFor(runId)[name];
    if (activity === undefined) throw new Error(`No activity ${name} is known`);
    this.underWay += 1;
    try {
      const value = await activity((JSON.parse(args) as unknown[])[0]);
      return { kind: 'ok', value: JSON.stringify(value) };
    } catch (error) {
      return { kind: 'failed', failure: failureFrom(error) };
    } finally {
      this.underWay -= 1;
    }
  }

  /** An attempt that is cut goes on in the background: its effects are real. */
  private async runLocal({ runId }: Execution, { name, args, retrying }: LocalCommand): Promise<Ending> {
    const { scheduler, turns } = this.parts;
    const began_ms = scheduler.now_ms();
    for (let attempt = 1; ; attempt += 1) {
      const left_ms = began_ms + retrying.scheduleToClose_ms - scheduler.now_ms();
      const nap = scheduler.nap(this.owner, Math.min(retrying.startToClose_ms, left_ms), `${name} timed out`);
      const cut = nap.over.then((): Ending => ({
        kind: 'failed',
        failure: { kind: 'timeout', type: 'START_TO_CLOSE' },
      }));
      const ending = await Promise.race([this.attempt(runId, name, args), cut]);
      nap.forget();
      this.noteEnding(name, ending);
      if (ending.kind === 'ok') return ending;
      const elapsed_ms = scheduler.now_ms() - began_ms;
      const wait_ms = nextAttempt_ms(retrying, ending.failure, attempt, elapsed_ms);
      if (wait_ms === null) return ending;
      await turns.sleep(wait_ms, `${name} again`);
    }
  }

  private noteEnding(name: string, ending: Ending): void {
    const told = ending.kind === 'ok' ? ending.value : JSON.stringify(ending.failure);
    this.parts.scheduler.note(`${this.owner.name}: ${name} -> ${told ?? 'nothing'}`);
  }

  private async runActivity(execution: Execution, activity: ServedActivity): Promise<void> {
    const { temporal } = this.parts;
    const { name, args } = activity.command;
    await this.reached(`take ${name} of ${execution.workflowId}`);
    const token = temporal.activities.start(execution, activity, this);
    if (token === null) return;
    const ending = await this.attempt(execution.runId, name, args);
    this.noteEnding(name, ending);
    await this.reached(`answer ${name} of ${execution.workflowId}`);
    temporal.activities.answer(execution, activity, token, ending);
  }
}
