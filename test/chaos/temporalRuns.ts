/** What Temporal has to say of the product's runs. */
import { hostname } from 'node:os';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowExecutionInfo } from '@temporalio/client';

const CALL_MS = 4_000;
/** Of temporal/api/enums/v1/failed_cause.proto, those that an ordinary run shows. */
const CAUSES: Readonly<Record<number, string>> = { 1: 'UNHANDLED_COMMAND', 17: 'FORCE_CLOSE_COMMAND' };
const PAGE_ROWS = 500;
/** PENDING_ACTIVITY_STATE_STARTED of temporal/api/enums/v1/workflow.proto. */
const STARTED = 2;

export interface Run {
  readonly workflowId: string;
  readonly runId: string;
}

/** An activity that a worker has begun and not ended. */
export interface UnderWay {
  readonly activityId: string;
  readonly type: string;
  readonly attempt: number;
  /** `pid@host` of the worker that began it last. */
  readonly worker: string;
  readonly startedAt_ms: number;
}

export interface RunSummary extends Run {
  readonly type: string;
  readonly status: string;
  readonly events: number;
}

export interface Runs {
  open(): Promise<Run[]>;
  terminate(run: Run): Promise<void>;
  underWay(run: Run): Promise<UnderWay[]>;
  /** When the attempt began by which an activity ended; null when it has not ended. */
  lastStart(
    run: Run,
    activityId: string,
  ): Promise<{ readonly attempt: number; readonly at_ms: number } | null>;
  all(): Promise<RunSummary[]>;
  /** Causes of workflow tasks that failed, and what a failed run failed for. */
  troublesOf(run: Run): Promise<{ readonly failedTasks: string[]; readonly failure: string | null }>;
  close(): Promise<void>;
}

/** How Temporal's SDK names the worker of a process of this machine. */
export function workerIdentity(pid: number): string {
  return `${pid}@${hostname()}`;
}

interface Time {
  readonly seconds?: { toString(): string } | null;
  readonly nanos?: number | null;
}

function milliseconds(time: Time | null | undefined): number {
  return Number(time?.seconds?.toString() ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
}

export function createRuns(address: string, namespace: string): Runs {
  let opened: Promise<Client> | null = null;

  function client(): Promise<Client> {
    opened ??= Connection.connect({ address, connectTimeout: CALL_MS }).then(
      (connection) => new Client({ connection, namespace }),
      (error: unknown) => {
        opened = null;
        throw error;
      },
    );
    return opened;
  }

  async function within<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const connected = await client();
    return connected.withDeadline(Date.now() + CALL_MS, () => work(connected));
  }

  async function list(query?: string): Promise<WorkflowExecutionInfo[]> {
    const connected = await client();
    const runs: WorkflowExecutionInfo[] = [];
    const options = { pageSize: PAGE_ROWS, ...(query === undefined ? {} : { query }) };
    for await (const run of connected.workflow.list(options)) runs.push(run);
    return runs;
  }

  return {
    open: async () => {
      const { executions } = await within((connected) =>
        connected.workflowService.listOpenWorkflowExecutions({
          namespace,
          maximumPageSize: PAGE_ROWS,
          startTimeFilter: {},
        }),
      );
      return (executions ?? []).map(({ execution }) => ({
        workflowId: execution?.workflowId ?? '',
        runId: execution?.runId ?? '',
      }));
    },
    terminate: (run) =>
      within(async (connected) => {
        await connected.workflow.getHandle(run.workflowId, run.runId).terminate('by hand');
      }),
    async underWay({ workflowId, runId }) {
      const told = await within((connected) =>
        connected.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId, runId } }),
      );
      return (told.pendingActivities ?? []).flatMap((activity) =>
        Number(activity.state) !== STARTED
          ? []
          : [
              {
                activityId: activity.activityId ?? '',
                type: activity.activityType?.name ?? '',
                attempt: activity.attempt ?? 0,
                worker: activity.lastWorkerIdentity ?? '',
                startedAt_ms: milliseconds(activity.lastStartedTime),
              },
            ],
      );
    },
    async lastStart({ workflowId, runId }, activityId) {
      const connected = await client();
      const { events } = await connected.workflow.getHandle(workflowId, runId).fetchHistory();
      const scheduled = events?.find(
        (event) => event.activityTaskScheduledEventAttributes?.activityId === activityId,
      );
      const started = events?.find(
        (event) =>
          String(event.activityTaskStartedEventAttributes?.scheduledEventId) === String(scheduled?.eventId),
      );
      if (scheduled === undefined || started === undefined) return null;
      const attempt = started.activityTaskStartedEventAttributes?.attempt ?? 0;
      return { attempt, at_ms: milliseconds(started.eventTime) };
    },
    async all() {
      return (await list()).map(({ workflowId, runId, type, status, historyLength }) => ({
        workflowId,
        runId,
        type,
        status: status.name,
        events: historyLength,
      }));
    },
    async troublesOf({ workflowId, runId }) {
      const connected = await client();
      const history = await connected.workflow.getHandle(workflowId, runId).fetchHistory();
      const failedTasks: string[] = [];
      let failure: string | null = null;
      for (const event of history.events ?? []) {
        const failed = event.workflowTaskFailedEventAttributes;
        if (failed) {
          failedTasks.push(CAUSES[failed.cause ?? 0] ?? `cause ${failed.cause ?? 0}`);
        }
        const ended = event.workflowExecutionFailedEventAttributes?.failure;
        if (ended) failure = ended.applicationFailureInfo?.type ?? ended.message ?? 'unnamed';
      }
      return { failedTasks, failure };
    },
    async close() {
      const connected = await opened?.catch(() => null);
      await connected?.connection.close();
    },
  };
}
