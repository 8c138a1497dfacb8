/**
 * Runs workflows and activities: one worker for the workflows, one per connection for its remote calls, so that a dead
 * system fills up its own queue only.
 */
import { Context } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';
import type { NativeConnection, WorkflowBundleOption } from '@temporalio/worker';
import type { Activities, SweepActivities } from '../../activities';
import type { ConnectionName } from '../core/ids';
import { DATA_CONVERTER } from './dataConverter';
import { connectionQueue, WORKFLOW_QUEUE } from './names';

export interface WorkerParts {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: WorkflowBundleOption;
  /** Without those of sweeps for tests of looks alone. */
  readonly activities: Activities & Partial<SweepActivities>;
  readonly connections: readonly ConnectionName[];
  /** For tests that want workflows evicted all the time. */
  readonly maxCachedWorkflows?: number;
}

/** Remote calls of one connection under way at once in this process. */
const REMOTE_CALLS_MAX = 64;
const WORKFLOW_TASKS_MAX = 40;
/** Without a cache the SDK works at one run at a time; tasks taken beside it would wait in this process until they time out. */
const UNCACHED_TASKS_MAX = 1;
const LOCAL_ACTIVITIES_MAX = 64;
/** On SIGTERM, activities under way get this long to finish; what is left is taken up by another worker. */
const SHUTDOWN_GRACE = '10 seconds';
const SHUTDOWN_FORCE = '15 seconds';

/**
 * A run's next step waits this long for the worker that has it in memory before any other may take it. The SDK's 10 s are on top
 * of the time after which a killed worker's activity is tried again.
 */
const STICKY_MAX = '4 seconds';

/** Three times within the heartbeat time-out that workflows/proxies.ts sets. */
const HEARTBEAT_MS = 3_000;

/** Tells that a long activity is under way, so that it is taken up soon when this process is killed. */
function heartbeating<Input, Output>(
  activity: (input: Input) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
    try {
      return await activity(input);
    } finally {
      clearInterval(beat);
    }
  };
}

export async function createWorkers(parts: WorkerParts): Promise<Worker[]> {
  const { connection, namespace, activities } = parts;
  const shared = {
    connection,
    namespace,
    dataConverter: { ...DATA_CONVERTER },
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
  } as const;
  const workflows = await Worker.create({
    ...shared,
    taskQueue: WORKFLOW_QUEUE,
    workflowBundle: parts.workflowBundle,
    activities: {
      openLook: activities.openLook,
      hasNewer: activities.hasNewer,
      closeLook: activities.closeLook,
      ...(activities.requestSweeps === undefined ? {} : { requestSweeps: activities.requestSweeps }),
    },
    maxConcurrentWorkflowTaskExecutions:
      parts.maxCachedWorkflows === 0 ? UNCACHED_TASKS_MAX : WORKFLOW_TASKS_MAX,
    maxConcurrentLocalActivityExecutions: LOCAL_ACTIVITIES_MAX,
    ...(parts.maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows: parts.maxCachedWorkflows }),
    // Runs are disposable: the row is the truth. One that cannot replay after a bad deploy fails, and the next ring
    // starts a fresh one. Nothing else may fail a workflow.
    workflowFailureErrorTypes: { '*': ['NondeterminismError'] },
    stickyQueueScheduleToStartTimeout: STICKY_MAX,
  });
  const remotes = await Promise.all(
    parts.connections.map((name) =>
      Worker.create({
        ...shared,
        taskQueue: connectionQueue(name),
        activities: {
          examine: heartbeating(activities.examine),
          send: activities.send,
          trace: heartbeating(activities.trace),
          ...(activities.sweepBatch === undefined ? {} : { sweepBatch: heartbeating(activities.sweepBatch) }),
        },
        maxConcurrentActivityTaskExecutions: REMOTE_CALLS_MAX,
      }),
    ),
  );
  return [workflows, ...remotes];
}
