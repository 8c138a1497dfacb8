/** Runs the floor (floorWorker.ts says what that is) and hands its figures over. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { runInBackground } from '../src/embedded/background';
import { ensureSearchAttributes } from '../src/temporal/client';
import type { FloorResult, FloorTask } from './floorWorker';
import { until } from './pace';
import type { Rig } from './rig';

const NAMESPACE = 'bench-floor';
const RETENTION_S = 86_400;
/** A new namespace is known to all parts of the server when their caches are refreshed. */
const NAMESPACE_DEADLINE_MS = 30_000;
const POLL_MS = 200;
const TASK_DEADLINE_MS = 240_000;

export interface Floor {
  readonly client: Client;
  perform(task: FloorTask): Promise<FloorResult>;
  close(): Promise<void>;
}

async function makeNamespace(address: string): Promise<Client> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace: NAMESPACE });
  await connection.workflowService.registerNamespace({
    namespace: NAMESPACE,
    workflowExecutionRetentionPeriod: { seconds: RETENTION_S as never },
  });
  await until('the namespace of the floor is known', NAMESPACE_DEADLINE_MS, POLL_MS, async () => {
    try {
      const missing = await ensureSearchAttributes(client, NAMESPACE);
      await client.workflow.count();
      return missing.length === 0;
    } catch {
      return false; // not known yet; the deadline tells when it never is
    }
  });
  return client;
}

export async function openFloor(rig: Rig): Promise<Floor> {
  const address = rig.wiring.temporalAddress;
  const client = await makeNamespace(address);
  const child = fork(path.join(__dirname, 'floorWorker.js'), [address, NAMESPACE], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: process.platform !== 'win32', // a session of its own, as the product's worker
  });
  const ended = once(child, 'exit');
  if (child.pid !== undefined) {
    rig.parts.set('floor', child.pid);
    runInBackground(child.pid);
  }
  const answer = async (deadlineMs: number): Promise<unknown> => {
    const signal = AbortSignal.timeout(deadlineMs);
    const [message] = await Promise.race([
      once(child, 'message', { signal }) as Promise<[unknown]>,
      ended.then(() => Promise.reject(new Error('the floor ended before it was done'))),
    ]);
    return message;
  };
  await answer(NAMESPACE_DEADLINE_MS);
  return {
    client,
    async perform(task) {
      child.send(task);
      return (await answer(TASK_DEADLINE_MS)) as FloorResult;
    },
    async close() {
      rig.parts.delete('floor');
      if (child.connected) child.disconnect();
      await ended;
      await client.connection.close();
    },
  };
}
