/** One run as the server keeps it, and how its history counts. */
import type { RunSeen } from './outcome';
import type { ActivityCommand, Ending, Failure, Job, TaskRecord } from './wire';

export interface ServedActivity {
  readonly command: ActivityCommand;
  readonly scheduled_ms: number;
  state: 'waiting' | 'handed' | 'started' | 'resting';
  attempt: number;
  /** Of the attempt that is under way: a late answer of an earlier one is not taken. */
  token: number;
  cancelRequested: boolean;
  /** Name of the worker's life that has it. */
  worker: object | null;
  last: Failure | null;
  /** The time-out of the attempt under way, or the pause before the next one. */
  takeBackTimeOut: () => void;
  takeBackEnd: () => void;
}

export class Execution {
  readonly records: TaskRecord[] = [];
  /** What the next task tells. */
  jobs: Job[] = [];
  /** What came while a task was under way. */
  buffered: Job[] = [];
  task: 'none' | 'waiting' | 'handed' | 'started' = 'none';
  token = 0;
  events = 1;
  ending: RunSeen['ending'] = 'open';
  failure: string | null = null;
  /** The worker's life that has it in its cache. */
  sticky: object | null = null;
  /** The jobs that the task under way tells. */
  told: Job[] = [];
  takeBackTimeOut: () => void = () => undefined;
  readonly activities = new Map<number, ServedActivity>();
  readonly timers = new Map<number, () => void>();
  readonly failedTasks: Record<string, number> = {};

  constructor(
    readonly workflowId: string,
    readonly runId: string,
    readonly type: string,
    readonly input: string,
  ) {}

  get open(): boolean {
    return this.ending === 'open';
  }

  noteFailedTask(cause: string): void {
    this.failedTasks[cause] = (this.failedTasks[cause] ?? 0) + 1;
    this.events += 1;
  }

  seen(): RunSeen {
    const { workflowId, runId, type, ending, events, failedTasks, failure } = this;
    return { workflowId, runId, type, ending, events, failedTasks, failure };
  }
}

/** Events that a command writes by itself. Of an activity: scheduled; started and ended are written when it ends. */
const COMMAND_EVENTS = 1;
export const ACTIVITY_END_EVENTS = 2;

/** Completed, one for each command, and a marker for each local activity that has a result; the commands for locals write none. */
export function eventsOf({ batches, commands }: TaskRecord): number {
  const markers = batches.flat().filter(({ kind }) => kind === 'local').length;
  const others = commands.filter(({ kind }) => kind !== 'local').length;
  return 1 + markers + others * COMMAND_EVENTS;
}

export const CANCELLED: Ending = { kind: 'failed', failure: { kind: 'cancelled' } };
