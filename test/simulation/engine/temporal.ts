/**
 * Temporal's server as far as it matters: one open run per workflow id, signals delivered at workflow tasks, a completion that
 * meets an unheard signal is refused, histories that outlive every process, time-outs in virtual time.
 */
import type { Chance } from './ports';
import { ActivityServer } from './activityServer';
import { eventsOf, Execution } from './history';
import type { ServedActivity } from './history';
import type { Scheduler } from './scheduler';
import type { Owner } from './sleepers';
import type { Command, Job, TaskRecord } from './wire';

/** A task that no worker answers is given to another one (docs.temporal.io/encyclopedia/detecting-workflow-failures). */
const TASK_TIMEOUT_MS = 10_000;
/** How long a task waits for the worker that has the run in its cache. */
const STICKY_MS = 10_000;

/** One life of a process that works for Temporal. */
export interface WorkerLife {
  readonly owner: Owner;
  takeTask(execution: Execution): void;
  takeActivity(execution: Execution, activity: ServedActivity): void;
}

export interface TakenTask {
  readonly token: number;
  readonly jobs: readonly Job[];
  readonly historyLength: number;
}

export class TemporalDown extends Error {
  constructor() {
    super('Temporal does not answer');
  }
}

export class Temporal {
  readonly closed: Execution[] = [];
  readonly workers: WorkerLife[] = [];
  readonly activities: ActivityServer;
  readonly owner: Owner = { name: 'temporal', alive: true };
  down = false;
  private readonly openRuns = new Map<string, Execution>();
  private readonly waiting: Execution[] = [];
  private untilUp: Array<() => void> = [];
  private runs = 0;

  constructor(
    readonly scheduler: Scheduler,
    readonly chance: Chance,
  ) {
    this.activities = new ActivityServer(this);
  }

  get runsOpen(): number {
    return this.openRuns.size;
  }

  all(): Execution[] {
    return [...this.closed, ...this.openRuns.values()];
  }

  /** Runs `effect` after `ms`, or when the server is up again. @returns takes it back */
  after(ms: number, label: string, effect: () => void): () => void {
    return this.scheduler.after(this.owner, ms, label, () => this.whenUp(effect));
  }

  whenUp(effect: () => void): void {
    if (this.down) this.untilUp.push(effect);
    else effect();
  }

  setDown(down: boolean): void {
    this.down = down;
    if (down) return;
    const due = this.untilUp;
    this.untilUp = [];
    for (const effect of due) effect();
    this.handOut();
  }

  /** All runs and histories are gone. */
  wipe(): void {
    for (const execution of this.openRuns.values()) this.close(execution, 'wiped');
    this.waiting.length = 0;
  }

  terminate(workflowId: string): boolean {
    const execution = this.openRuns.get(workflowId);
    if (execution === undefined) return false;
    execution.events += 1;
    this.close(execution, 'terminated');
    return true;
  }

  /** @throws TemporalDown */
  signalWithStart(workflowId: string, type: string, input: string, signal: string): void {
    if (this.down) throw new TemporalDown();
    let execution = this.openRuns.get(workflowId);
    if (execution === undefined) execution = this.start(workflowId, type, input);
    this.tell(execution, { kind: 'signal', name: signal });
  }

  private start(workflowId: string, type: string, input: string): Execution {
    this.runs += 1;
    const execution = new Execution(workflowId, `run-${this.runs}`, type, input);
    this.openRuns.set(workflowId, execution);
    execution.jobs.push({ kind: 'start' });
    return execution;
  }

  /** Something for the code to hear. @param events that it writes */
  tell(execution: Execution, job: Job, events = 1): void {
    if (!execution.open) return;
    if (execution.task === 'started') {
      execution.buffered.push(job);
    } else {
      execution.jobs.push(job);
      this.wantTask(execution);
    }
    execution.events += events;
  }

  wantTask(execution: Execution): void {
    if (execution.task !== 'none') return;
    execution.task = 'waiting';
    execution.events += 1;
    this.waiting.push(execution);
    this.handOut();
  }

  /** Gives what waits to workers that live. */
  handOut(): void {
    if (this.down) return;
    const living = this.workers.filter(({ owner }) => owner.alive);
    if (living.length === 0) return;
    for (const execution of this.waiting.splice(0)) {
      if (!execution.open || execution.task !== 'waiting') continue;
      const sticky = living.find((life) => life === execution.sticky);
      const life = sticky ?? this.chance.pick(living);
      execution.task = 'handed';
      life.takeTask(execution);
      // a worker that died before it took the task up
      execution.takeBackTimeOut = this.after(STICKY_MS, 'a task nobody took', () => {
        if (!execution.open || execution.task !== 'handed') return;
        execution.sticky = null;
        execution.task = 'waiting';
        this.waiting.push(execution);
        this.handOut();
      });
    }
    this.activities.handOut(living);
  }

  /** @returns null when somebody else has it, or the run is over */
  startTask(execution: Execution, life: WorkerLife): TakenTask | null {
    if (this.down || !execution.open || execution.task !== 'handed') return null;
    execution.takeBackTimeOut();
    execution.task = 'started';
    execution.token += 1;
    execution.events += 1;
    execution.sticky = life;
    execution.told = execution.jobs;
    execution.jobs = [];
    const { token } = execution;
    execution.takeBackTimeOut = this.after(TASK_TIMEOUT_MS, 'workflow task timed out', () => {
      if (execution.token !== token || execution.task !== 'started') return;
      execution.sticky = null;
      this.again(execution, 'TimedOut');
    });
    return { token, jobs: execution.told, historyLength: execution.events };
  }

  /** The task is done again, from the history, and what came meanwhile is told with it. */
  private again(execution: Execution, cause: string): void {
    execution.takeBackTimeOut();
    execution.noteFailedTask(cause);
    execution.task = 'none';
    execution.token += 1;
    execution.jobs = [...execution.told, ...execution.buffered];
    execution.buffered = [];
    this.wantTask(execution);
  }

  /**
   * @param more the task goes on: local activities are still under way
   * @returns whether it was taken; else the worker forgets what it has of the run
   */
  completeTask(execution: Execution, token: number, record: TaskRecord, more: boolean): boolean {
    if (!execution.open || execution.task !== 'started' || execution.token !== token) return false;
    const last = record.commands.at(-1);
    const closing = last?.kind === 'complete' || last?.kind === 'continue';
    if (closing && execution.buffered.length > 0) {
      execution.sticky = null;
      this.again(execution, 'UnhandledCommand');
      return false;
    }
    execution.takeBackTimeOut();
    execution.task = 'none';
    execution.events += eventsOf(record);
    execution.records.push(record);
    for (const command of record.commands) this.apply(execution, command);
    if (!execution.open) return true;
    execution.jobs = [...execution.jobs, ...execution.buffered];
    execution.buffered = [];
    if (more || execution.jobs.length > 0) this.wantTask(execution);
    return true;
  }

  private apply(execution: Execution, command: Command): void {
    switch (command.kind) {
      case 'activity':
        return this.activities.schedule(execution, command);
      case 'cancel activity':
        return this.activities.cancel(execution, command.seq);
      case 'timer': {
        const { seq, ms } = command;
        const fire = (): void => {
          if (execution.timers.delete(seq)) this.tell(execution, { kind: 'timer', seq });
        };
        execution.timers.set(seq, this.after(ms, 'timer', fire));
        return;
      }
      case 'cancel timer':
        execution.timers.get(command.seq)?.();
        execution.timers.delete(command.seq);
        return;
      case 'complete':
        return this.close(execution, 'completed');
      case 'continue':
        this.close(execution, 'continued');
        this.wantTask(this.start(execution.workflowId, execution.type, command.input));
        return;
      case 'local':
      case 'attributes':
    }
  }

  private close(execution: Execution, ending: Execution['ending']): void {
    execution.ending = ending;
    execution.takeBackTimeOut();
    for (const takeBack of execution.timers.values()) takeBack();
    this.activities.forget(execution);
    this.openRuns.delete(execution.workflowId);
    this.closed.push(execution);
  }
}
