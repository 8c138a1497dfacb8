/** What Temporal holds of the runs of a namespace, for the proofs that ask whether any of them went wrong. */
import { Client, Connection } from '@temporalio/client';
import { eventsOf } from '../replay/histories';
import { runOf } from '../replay/shapes';
import type { Run } from '../replay/shapes';

export interface Runs {
  readonly client: Client;
  /** All runs that fit, the newest first. @param query e.g. `WorkflowId = 'customer/…'` */
  all(query: string): Promise<Run[]>;
  count(query: string): Promise<number>;
  close(): Promise<void>;
}

export async function openRuns({
  address,
  namespace,
}: {
  address: string;
  namespace: string;
}): Promise<Runs> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  return {
    client,
    async all(query) {
      const found: Run[] = [];
      for await (const { workflowId, runId } of client.workflow.list({ query })) {
        found.push(runOf(eventsOf(await client.workflow.getHandle(workflowId, runId).fetchHistory())));
      }
      return found;
    },
    count: async (query) => (await client.workflow.count(query)).count,
    close: () => connection.close(),
  };
}

/** The one cause of a failed workflow task that is normal: a signal came in the moment of completion. */
export const AT_COMPLETION = 'WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND';

/** Causes of failed tasks that are none of the normal ones. */
export function troubleOf(runs: readonly Run[]): string[] {
  return runs.flatMap(({ failedTasks }) => failedTasks).filter((cause) => cause !== AT_COMPLETION);
}
