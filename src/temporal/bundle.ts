import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { DATA_CONVERTER } from './dataConverter';

/** Bundles the workflows with the failure converter they run under. Takes a second or two. */
export function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: path.join(__dirname, '..', '..', 'workflows'),
    failureConverterPath: DATA_CONVERTER.failureConverterPath,
    logger: new DefaultLogger('WARN'),
  });
}
