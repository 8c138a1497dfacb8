import { CANARY } from '../plan';
import type { Check } from './evidence';

const EVENTS_MAX = 1_000;
/** A signal that came as a run was ending, and the task of a worker that died or was kept. */
const EXPECTED_CAUSES: ReadonlySet<string> = new Set(['UnhandledCommand', 'TimedOut']);

/** I13: one open run per record, short histories, and no run or workflow task fails but by what was done to it. */
export const i13Runs: Check = ({ runs }) => {
  const told: string[] = [];
  const open = new Map<string, number>();
  for (const { workflowId, runId, ending, events, failedTasks, failure } of runs) {
    if (ending === 'open') open.set(workflowId, (open.get(workflowId) ?? 0) + 1);
    if (events >= EVENTS_MAX) told.push(`${workflowId} (${runId}) has a history of ${events} events`);
    if (ending === 'failed') told.push(`${workflowId} (${runId}) failed: ${failure ?? 'for no reason'}`);
    for (const [cause, times] of Object.entries(failedTasks)) {
      if (times > 0 && !EXPECTED_CAUSES.has(cause))
        told.push(`${workflowId} (${runId}): a workflow task failed ${times} times: ${cause}`);
    }
  }
  for (const [id, count] of open) if (count > 1) told.push(`${id} has ${count} open runs`);
  return told;
};

/** I16: no value that anybody wrote is in what was logged or crossed into a history. */
export const i16Secrecy: Check = ({ spoken }) =>
  spoken
    .filter((line) => line.toLowerCase().includes(CANARY))
    .map((line) => `a personal value was spoken: ${line}`);
