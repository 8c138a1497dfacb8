/** A Temporal namespace of its own for one test file, so that files can share the server without seeing each other. */
import { randomBytes } from 'node:crypto';
import { Connection } from '@temporalio/client';
import { testTemporal } from './temporal';

const RETENTION_S = 86_400;

export interface FreshNamespace {
  readonly address: string;
  readonly namespace: string;
}

export async function freshNamespace(): Promise<FreshNamespace> {
  const { address } = testTemporal();
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: RETENTION_S as never },
    });
  } finally {
    await connection.close();
  }
  return { address, namespace };
}
