/**
 * How long it takes until what a killed worker had under way is attempted again, by whomever. Measured in Temporal: an activity
 * that the dead process had begun counts from the kill to the start of its next attempt.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run, Runs, UnderWay } from './temporalRuns';
import { workerIdentity } from './temporalRuns';

const ASK_EVERY_MS = 250;
const GIVE_UP_MS = 60_000;
/** So long something is waited for that the worker has under way. */
const UNDER_WAY_MS = 2_500;

export interface Takeover {
  readonly run: string;
  readonly activity: string;
  /** From the kill to the next attempt's start; null: none was seen within a minute. */
  readonly took_ms: number | null;
  /** Whether another fault was in force meanwhile that stood in its way. */
  readonly hindered: boolean;
}

export interface Takeovers {
  /** Notes what the worker has under way. @returns what is to be called when it is dead */
  beforeKill(pid: number | null): Promise<() => void>;
  /** Waits for measurements under way. */
  finished(): Promise<readonly Takeover[]>;
}

/** Faults that may keep every worker from going on. */
export interface Hindrances {
  active(): number;
  /** In all, so far. */
  begun(): number;
}

export function createTakeovers(runs: Runs, hindrances: () => Hindrances): Takeovers {
  const measured: Takeover[] = [];
  const measuring = new Set<Promise<void>>();

  async function beganBy(worker: string): Promise<Array<{ run: Run; activity: UnderWay }>> {
    const open = await runs.open();
    const found = await Promise.all(
      open.map(async (run) =>
        (await runs.underWay(run))
          .filter((activity) => activity.worker === worker)
          .map((activity) => ({ run, activity })),
      ),
    );
    return found.flat();
  }

  /** @returns when the next attempt began; null: it has not yet; `ended`: it needed none, its answer was there before the kill */
  async function nextStart(
    run: Run,
    { activityId, attempt: before }: UnderWay,
  ): Promise<number | 'ended' | null> {
    // Temporal may be away itself for a moment
    const now = await runs.underWay(run).catch(() => null);
    const again = now?.find((one) => one.activityId === activityId && one.attempt > before);
    if (again !== undefined) return again.startedAt_ms;
    const last = await runs.lastStart(run, activityId).catch(() => null);
    if (last === null) return null;
    return last.attempt > before ? last.at_ms : 'ended';
  }

  async function follow(run: Run, activity: UnderWay, killedAt: number, free: () => boolean): Promise<void> {
    let startedAt: number | 'ended' | null = null;
    for (
      const end = killedAt + GIVE_UP_MS;
      startedAt === null && Date.now() < end;
      await sleep(ASK_EVERY_MS)
    ) {
      startedAt = await nextStart(run, activity);
    }
    if (startedAt === 'ended') return;
    const took_ms = startedAt === null ? null : Math.max(0, startedAt - killedAt);
    measured.push({ run: run.workflowId, activity: activity.type, took_ms, hindered: !free() });
  }

  return {
    async beforeKill(pid) {
      // a Temporal that does not tell is another fault's doing: then nothing is measured
      let underWay: Array<{ run: Run; activity: UnderWay }> = [];
      for (
        const end = Date.now() + UNDER_WAY_MS;
        pid !== null && underWay.length === 0 && Date.now() < end;
      ) {
        underWay = await beganBy(workerIdentity(pid)).catch(() => []);
        await sleep(ASK_EVERY_MS);
      }
      const { active, begun } = hindrances();
      const then = begun();
      // the kill itself is one
      const alone = active() <= 1;
      const free = (): boolean => alone && begun() === then;
      return () => {
        const killedAt = Date.now();
        for (const { run, activity } of underWay) {
          const one = follow(run, activity, killedAt, free).finally(() => measuring.delete(one));
          measuring.add(one);
        }
      };
    },
    async finished() {
      await Promise.all(measuring);
      return measured;
    },
  };
}
