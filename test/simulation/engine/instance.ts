/** One run of a workflow in one worker: the product's own code, told jobs and asking for commands. */
import { CancelledFailure } from '@temporalio/common';
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/common';
import { activityError, errorFrom, retryingOf } from './wire';
import type { Command, Ending, Job, LocalCommand } from './wire';

export interface WorkflowInfo {
  readonly workflowId: string;
  readonly runId: string;
  readonly workflowType: string;
  historyLength: number;
  searchAttributes: Record<string, unknown>;
}

/** What continue-as-new throws to leave the code. */
export class Continued extends Error {
  constructor(readonly input: string) {
    super('continued as new');
  }
}

interface Pending {
  readonly name: string;
  readonly scope: Scope;
  readonly settle: (value: unknown) => void;
  readonly refuse: (error: Error) => void;
}

interface Condition {
  readonly scope: Scope;
  readonly holds: () => boolean;
  readonly settle: (held: boolean) => void;
  readonly refuse: (error: Error) => void;
  readonly timer: number | null;
}

/** A cancellation scope's state. The code outside sees it as `CancellationScope` of ./workflow. */
export class Scope {
  cancelled = false;
  private readonly hearers = new Set<() => void>();

  constructor(parent: Scope | null) {
    if (parent?.cancelled === true) this.cancelled = true;
    parent?.onCancel(() => this.cancel());
  }

  onCancel(hear: () => void): void {
    this.hearers.add(hear);
  }

  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    for (const hear of this.hearers) hear();
  }
}

let running: Instance | null = null;

function runs(instance: Instance | null): void {
  running = instance;
}

/** The instance whose code runs now. */
export function current(): Instance {
  if (running === null) throw new Error('Workflow code ran outside of its workflow task');
  return running;
}

export class Instance {
  /** Asked for since the last task was accepted. */
  commands: Command[] = [];
  ended = false;
  readonly signals = new Map<string, () => void>();
  /**
   * The scope whose code runs. Each promise of ours is settled by itself and its microtasks drained before the next, so that
   * what runs then belongs to the scope in which it was made; no hook of every promise is needed.
   */
  scope = new Scope(null);
  private seq = 0;
  private unheard: string[] = [];
  private readonly pending = new Map<number, Pending>();
  private readonly conditions = new Set<Condition>();
  private followUps: Job[] = [];

  constructor(
    readonly info: WorkflowInfo,
    private readonly code: () => Promise<unknown>,
    private readonly drained: () => Promise<void>,
  ) {}

  /** Tells the code; resolves when it has come as far as it can. @throws what the code threw: no workflow may fail */
  async activate(jobs: readonly Job[], historyLength: number): Promise<void> {
    this.info.historyLength = historyLength;
    // signals go before all else, as in the SDK: a workflow's first task hears them as soon as it listens
    const sorted = [
      ...jobs.filter(({ kind }) => kind === 'signal'),
      ...jobs.filter(({ kind }) => kind !== 'signal'),
    ];
    for (const job of sorted) await this.take(job);
    for (let next = this.followUps.shift(); next !== undefined; next = this.followUps.shift()) {
      await this.take(next);
    }
  }

  private async take(job: Job): Promise<void> {
    await this.step(() => this.tell(job));
    for (;;) {
      runs(this);
      const met = [...this.conditions].find(({ holds }) => holds());
      runs(null);
      if (met === undefined) return;
      await this.step(() => this.meet(met, true));
    }
  }

  private async step(tell: () => void): Promise<void> {
    runs(this);
    try {
      tell();
      await this.drained();
    } finally {
      runs(null);
    }
  }

  private tell(job: Job): void {
    switch (job.kind) {
      case 'start':
        this.code().then(
          (result) => this.end({ kind: 'complete', result: JSON.stringify(result) }),
          (error: unknown) => {
            if (error instanceof Continued) this.end({ kind: 'continue', input: error.input });
            else this.broke(error);
          },
        );
        return;
      case 'signal': {
        const hear = this.signals.get(job.name);
        if (hear === undefined) this.unheard.push(job.name);
        else hear();
        return;
      }
      case 'timer': {
        const timed = [...this.conditions].find(({ timer }) => timer === job.seq);
        if (timed !== undefined) this.meet(timed, false, true);
        return;
      }
      case 'activity':
      case 'local':
        this.settle(job.seq, job.kind, job.ending);
    }
  }

  /** Set by the worker: a workflow that throws is a violation, and its task is never completed. */
  broke: (error: unknown) => void = (error) => {
    throw error;
  };

  private end(command: Command): void {
    this.ended = true;
    this.commands.push(command);
  }

  private settle(seq: number, kind: 'activity' | 'local', ending: Ending): void {
    const pending = this.pending.get(seq);
    // its scope was cancelled meanwhile
    if (pending === undefined) return;
    this.pending.delete(seq);
    this.scope = pending.scope;
    if (ending.kind === 'ok') {
      pending.settle(ending.value === undefined ? undefined : JSON.parse(ending.value));
    } else {
      const { failure } = ending;
      pending.refuse(kind === 'local' ? errorFrom(failure) : activityError(pending.name, failure));
    }
  }

  private meet(condition: Condition, held: boolean, fired = false): void {
    this.conditions.delete(condition);
    if (condition.timer !== null && !fired) {
      this.commands.push({ kind: 'cancel timer', seq: condition.timer });
    }
    this.scope = condition.scope;
    condition.settle(held);
  }

  listen(name: string, hear: () => void): void {
    this.signals.set(name, hear);
    const early = this.unheard.filter((unheard) => unheard === name);
    this.unheard = this.unheard.filter((unheard) => unheard !== name);
    for (const _ of early) hear();
  }

  schedule(
    kind: 'local' | 'activity',
    name: string,
    args: readonly unknown[],
    options: ActivityOptions | LocalActivityOptions,
  ): Promise<unknown> {
    const { scope } = this;
    if (scope.cancelled) return Promise.reject(new CancelledFailure('Activity cancelled before scheduled'));
    this.seq += 1;
    const { seq } = this;
    const scheduled = { seq, name, args: JSON.stringify(args), retrying: retryingOf(options) };
    if (kind === 'local') this.commands.push({ kind, ...scheduled });
    else {
      const queue = 'taskQueue' in options ? options.taskQueue : undefined;
      this.commands.push({ kind, queue: queue ?? 'counterpart', ...scheduled });
      // TRY_CANCEL, the SDK's own default on the wire: the code is told at once, the attempt goes on
      scope.onCancel(() => {
        if (!this.pending.has(seq)) return;
        this.commands.push({ kind: 'cancel activity', seq });
        const ending: Ending = { kind: 'failed', failure: { kind: 'cancelled' } };
        this.followUps.push({ kind: 'activity', seq, ending });
      });
    }
    return new Promise((settle, refuse) => this.pending.set(seq, { name, scope, settle, refuse }));
  }

  /** @param ms null: without an end. @returns false when the time was over first */
  condition(holds: () => boolean, ms: number | null): Promise<boolean> {
    const { scope } = this;
    if (scope.cancelled) return Promise.reject(new CancelledFailure('cancelled'));
    if (holds()) return Promise.resolve(true);
    let timer: number | null = null;
    if (ms !== null) {
      this.seq += 1;
      timer = this.seq;
      this.commands.push({ kind: 'timer', seq: timer, ms });
    }
    return new Promise((settle, refuse) => {
      const condition: Condition = { scope, holds, settle, refuse, timer };
      this.conditions.add(condition);
      scope.onCancel(() => {
        if (!this.conditions.delete(condition)) return;
        if (timer !== null) this.commands.push({ kind: 'cancel timer', seq: timer });
        refuse(new CancelledFailure('cancelled'));
      });
    });
  }

  /** Local activities that were asked for and have no result yet. */
  openLocals(commands: readonly Command[] = this.commands): LocalCommand[] {
    return commands.filter(
      (command): command is LocalCommand => command.kind === 'local' && this.pending.has(command.seq),
    );
  }
}
