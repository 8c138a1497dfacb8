/** What changes cost in Temporal: counted in the histories themselves, not derived from the code. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { Rig } from './rig';

const SAMPLE_RUNS = 40;

export interface HistoryCost {
  readonly changes: number;
  readonly runs: number;
  readonly runsPerChange: number;
  /** Over all runs. */
  readonly eventsPerChange: number;
  /** Over a sample of them. */
  readonly sampled: number;
  readonly actionsPerChange: number;
  readonly workflowTasksPerRun: number;
  readonly activitiesPerRun: number;
  readonly localActivitiesPerRun: number;
  readonly failedWorkflowTasks: number;
}

export async function runCount(rig: Rig): Promise<number> {
  return (await rig.temporal.workflow.count()).count;
}

async function runsBetween(client: Client, from: Date, to: Date): Promise<WorkflowExecutionInfo[]> {
  const query = `StartTime >= '${from.toISOString()}' AND StartTime < '${to.toISOString()}'`;
  const runs: WorkflowExecutionInfo[] = [];
  for await (const run of client.workflow.list({ query, pageSize: 1000 })) runs.push(run);
  return runs;
}

interface Counts {
  actions: number;
  workflowTasks: number;
  activities: number;
  localActivities: number;
  failedWorkflowTasks: number;
}

/**
 * Temporal Cloud's actions as they show in one history (docs.temporal.io/cloud/actions): a start, a signal, each attempt
 * of an activity, a timer, an upsert of search attributes; local activities count once per workflow task that ran any.
 */
async function count(client: Client, run: WorkflowExecutionInfo, counts: Counts): Promise<void> {
  const history = await client.workflow.getHandle(run.workflowId, run.runId).fetchHistory();
  const tasksWithLocalActivities = new Set<string>();
  for (const event of history.events ?? []) {
    if (event.workflowExecutionStartedEventAttributes) counts.actions += 1;
    if (event.workflowExecutionSignaledEventAttributes) counts.actions += 1;
    if (event.timerStartedEventAttributes) counts.actions += 1;
    if (event.upsertWorkflowSearchAttributesEventAttributes) counts.actions += 1;
    if (event.activityTaskStartedEventAttributes) {
      counts.activities += 1;
      counts.actions += event.activityTaskStartedEventAttributes.attempt ?? 1;
    }
    if (event.workflowTaskCompletedEventAttributes) counts.workflowTasks += 1;
    if (event.workflowTaskFailedEventAttributes) counts.failedWorkflowTasks += 1;
    if (event.markerRecordedEventAttributes) {
      counts.localActivities += 1;
      tasksWithLocalActivities.add(String(event.markerRecordedEventAttributes.workflowTaskCompletedEventId));
    }
  }
  counts.actions += tasksWithLocalActivities.size;
}

/** All runs that began within a phase of the bench, in which `changes` were made. */
export async function historyCost(
  client: Client,
  changes: number,
  from: Date,
  to: Date,
): Promise<HistoryCost> {
  const runs = await runsBetween(client, from, to);
  const stride = Math.max(1, Math.floor(runs.length / SAMPLE_RUNS));
  const sample = runs.filter((_, i) => i % stride === 0).slice(0, SAMPLE_RUNS);
  const counts: Counts = {
    actions: 0,
    workflowTasks: 0,
    activities: 0,
    localActivities: 0,
    failedWorkflowTasks: 0,
  };
  for (const run of sample) await count(client, run, counts);
  const perRun = (n: number): number => n / Math.max(1, sample.length);
  const runsPerChange = runs.length / changes;
  return {
    changes,
    runs: runs.length,
    runsPerChange,
    eventsPerChange: runs.reduce((sum, run) => sum + run.historyLength, 0) / changes,
    sampled: sample.length,
    actionsPerChange: perRun(counts.actions) * runsPerChange,
    workflowTasksPerRun: perRun(counts.workflowTasks),
    activitiesPerRun: perRun(counts.activities),
    localActivitiesPerRun: perRun(counts.localActivities),
    failedWorkflowTasks: counts.failedWorkflowTasks,
  };
}
