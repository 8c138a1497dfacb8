/** Sweeps in Temporal: their runs, and the schedule that asks for them. */
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Client, ScheduleOptions } from '@temporalio/client';
import type { ConnectionName } from '../core/ids';
import { SWEEP_SCHEDULE, sweepWorkflowId, WORKFLOW_QUEUE } from './names';

const DEADLINE_MS = 5_000;
/** A time that passed while everything was down is made up for, once, if it is not longer ago. */
const CATCH_UP = '12 hours';

/** Starts the run of a connection's open sweep, or tells the one that goes on. */
export async function ringSweep(client: Client, connection: ConnectionName): Promise<void> {
  await client.withDeadline(Date.now() + DEADLINE_MS, () =>
    client.workflow.signalWithStart('sweep', {
      workflowId: sweepWorkflowId(connection),
      taskQueue: WORKFLOW_QUEUE,
      args: [{ connection }],
      signal: 'hint',
      staticSummary: `sweep of ${connection}`,
    }),
  );
}

function scheduleOf(cron: string): ScheduleOptions {
  return {
    scheduleId: SWEEP_SCHEDULE,
    spec: { cronExpressions: [cron] },
    action: {
      type: 'startWorkflow',
      workflowType: 'requestSweeps',
      workflowId: 'sweeps',
      taskQueue: WORKFLOW_QUEUE,
      args: [],
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCH_UP },
  };
}

/** Makes the schedule what the configuration says, whatever it was. @param cron null: there is none */
export async function keepSweepSchedule(client: Client, cron: string | null): Promise<void> {
  await client.withDeadline(Date.now() + DEADLINE_MS, async () => {
    const handle = client.schedule.getHandle(SWEEP_SCHEDULE);
    if (cron === null) {
      try {
        await handle.delete();
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
      }
      return;
    }
    const { scheduleId: _, ...wanted } = scheduleOf(cron);
    try {
      await client.schedule.create(scheduleOf(cron));
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      // a person's pause and note stay
      await handle.update((previous) => ({ ...previous, ...wanted }));
    }
  });
}
