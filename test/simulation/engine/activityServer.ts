/** The activities of all open runs: attempts, time-outs, retries. A late answer of an attempt that is over is not taken. */
import { ACTIVITY_END_EVENTS, CANCELLED } from './history';
import type { Execution, ServedActivity } from './history';
import type { Temporal, WorkerLife } from './temporal';
import { nextAttempt_ms } from './wire';
import type { ActivityCommand, Ending, Failure } from './wire';

/** A worker that died before it took an attempt up: another one takes it. */
const HANDED_MS = 5_000;

export class ActivityServer {
  private readonly waiting: Array<readonly [Execution, ServedActivity]> = [];

  constructor(private readonly temporal: Temporal) {}

  schedule(execution: Execution, command: ActivityCommand): void {
    const activity: ServedActivity = {
      command,
      scheduled_ms: this.temporal.scheduler.now_ms(),
      state: 'waiting',
      attempt: 1,
      token: 0,
      cancelRequested: false,
      worker: null,
      last: null,
      takeBackTimeOut: () => undefined,
      takeBackEnd: () => undefined,
    };
    execution.activities.set(command.seq, activity);
    const { scheduleToClose_ms } = command.retrying;
    activity.takeBackEnd = this.temporal.after(scheduleToClose_ms, 'activity schedule-to-close', () => {
      this.end(execution, activity, this.timedOut('SCHEDULE_TO_CLOSE'));
    });
    this.want(execution, activity);
  }

  private timedOut(type: Extract<Failure, { kind: 'timeout' }>['type']): Ending {
    return { kind: 'failed', failure: { kind: 'timeout', type } };
  }

  private isOpen(execution: Execution, activity: ServedActivity): boolean {
    return execution.open && execution.activities.get(activity.command.seq) === activity;
  }

  private want(execution: Execution, activity: ServedActivity): void {
    activity.state = 'waiting';
    this.waiting.push([execution, activity]);
    this.temporal.handOut();
  }

  handOut(living: readonly WorkerLife[]): void {
    for (const [execution, activity] of this.waiting.splice(0)) {
      if (!this.isOpen(execution, activity) || activity.state !== 'waiting') continue;
      activity.state = 'handed';
      activity.token += 1;
      this.temporal.chance.pick(living).takeActivity(execution, activity);
      activity.takeBackTimeOut = this.temporal.after(HANDED_MS, 'an attempt nobody took', () => {
        if (this.isOpen(execution, activity) && activity.state === 'handed') this.want(execution, activity);
      });
    }
  }

  /** @returns the attempt's token, or null when somebody else has it or nobody wants it any more */
  start(execution: Execution, activity: ServedActivity, life: WorkerLife): number | null {
    if (this.temporal.down || activity.state !== 'handed' || !this.isOpen(execution, activity)) return null;
    activity.takeBackTimeOut();
    activity.state = 'started';
    activity.worker = life;
    activity.token += 1;
    const { token } = activity;
    const { startToClose_ms } = activity.command.retrying;
    activity.takeBackTimeOut = this.temporal.after(startToClose_ms, 'activity start-to-close', () => {
      this.answer(execution, activity, token, this.timedOut('START_TO_CLOSE'));
    });
    return token;
  }

  /** An attempt ended. One that is over by time-out is not heard. */
  answer(execution: Execution, activity: ServedActivity, token: number, ending: Ending): void {
    if (activity.token !== token || activity.state !== 'started' || !this.isOpen(execution, activity)) return;
    if (ending.kind === 'ok' || activity.cancelRequested) return this.end(execution, activity, ending);
    activity.last = ending.failure;
    const elapsed_ms = this.temporal.scheduler.now_ms() - activity.scheduled_ms;
    const { retrying } = activity.command;
    const wait_ms = nextAttempt_ms(retrying, ending.failure, activity.attempt, elapsed_ms);
    if (wait_ms === null) return this.end(execution, activity, ending);
    activity.attempt += 1;
    activity.state = 'resting';
    activity.token += 1;
    activity.takeBackTimeOut();
    activity.takeBackTimeOut = this.temporal.after(wait_ms, 'activity back-off', () => {
      if (this.isOpen(execution, activity)) this.want(execution, activity);
    });
  }

  private end(execution: Execution, activity: ServedActivity, ending: Ending): void {
    if (!this.isOpen(execution, activity)) return;
    const { seq } = activity.command;
    execution.activities.delete(seq);
    this.takeBack(activity);
    this.temporal.tell(execution, { kind: 'activity', seq, ending }, ACTIVITY_END_EVENTS);
  }

  /** The code was told already. An attempt under way goes on, but there is no other after it. */
  cancel(execution: Execution, seq: number): void {
    const activity = execution.activities.get(seq);
    if (activity === undefined) return;
    activity.cancelRequested = true;
    execution.events += 1;
    if (activity.state !== 'started') this.end(execution, activity, CANCELLED);
  }

  forget(execution: Execution): void {
    for (const activity of execution.activities.values()) this.takeBack(activity);
    execution.activities.clear();
  }

  private takeBack(activity: ServedActivity): void {
    activity.takeBackTimeOut();
    activity.takeBackEnd();
  }

  /** Long attempts tell that they live; a dead worker's are missed after a while. */
  miss(life: WorkerLife): void {
    for (const execution of this.temporal.all()) {
      for (const activity of execution.activities.values()) {
        const { heartbeat_ms } = activity.command.retrying;
        if (activity.worker !== life || activity.state !== 'started' || heartbeat_ms === null) continue;
        const { token } = activity;
        this.temporal.after(heartbeat_ms, 'activity heartbeat missed', () => {
          this.answer(execution, activity, token, this.timedOut('HEARTBEAT'));
        });
      }
    }
  }
}
