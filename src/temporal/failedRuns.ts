import type { Client } from '@temporalio/client';

const DEADLINE_MS = 2_000;

/**
 * Runs that failed and that the namespace still remembers. A run fails for one cause only, a deploy it cannot replay; more
 * than a few of them, or any without a deploy, are worth a look.
 * @throws when Temporal does not answer soon
 */
export async function countFailedRuns(client: Client): Promise<number> {
  const { count } = await client.withDeadline(Date.now() + DEADLINE_MS, () =>
    client.workflow.count(`ExecutionStatus = 'Failed'`),
  );
  return count;
}
