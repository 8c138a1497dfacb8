import {
  ActivityFailure,
  condition,
  continueAsNew,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { SweepBatch } from '../activities';
import { hintSignal } from './messages';
import { schedulingActivities, sweepingActivities } from './proxies';

/** Continue as new from here on, as a record's run does. */
const HISTORY_MAX_EVENTS = 500;
/** Postgres or the worker did not answer for a whole batch. */
const TROUBLE_MS = 10_000;

export interface SweepInput {
  readonly connection: string;
}

export interface SweepRun {
  readonly batches: number;
}

/**
 * WHEN: goes on with a connection's open sweep, batch by batch, until none is open. Workflow id: `sweep/<connection>`. The run
 * holds nothing: the place is in Postgres, so it may be ended by hand, lost or replaced at any moment; the next ring goes on.
 */
export async function sweep(input: SweepInput): Promise<SweepRun> {
  const { sweepBatch } = sweepingActivities(input.connection);
  let rung = true;
  let batches = 0;
  let summary = 'sweep';
  setHandler(hintSignal, () => {
    rung = true;
  });
  while (rung) {
    rung = false;
    let batch: SweepBatch | null = null;
    try {
      batch = await sweepBatch.executeWithOptions({ summary }, [input]);
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    }
    batches += 1;
    const { next = 'wait', ms = TROUBLE_MS, waitsFor = null, phase = null } = batch ?? {};
    summary = waitsFor === null ? `sweep, ${phase ?? 'ended'}` : `sweep, after waiting: ${waitsFor}`;
    if (next === 'wait') await condition(() => rung, ms);
    if (next !== 'idle') rung = true;
    if (rung && workflowInfo().historyLength > HISTORY_MAX_EVENTS) {
      await continueAsNew<(input: SweepInput) => Promise<SweepRun>>(input);
    }
  }
  return { batches };
}

/** What the schedule starts: asks for a sweep of every connection; who has one open keeps it. */
export async function requestSweeps(): Promise<number> {
  return schedulingActivities.requestSweeps();
}
