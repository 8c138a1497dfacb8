import { syncRecord } from './record';
import type { RecordInput, RecordResult } from './record';

/** Keeps one customer equal on all sides. Workflow id: `customer/<record id>`. */
export async function customer(input: RecordInput): Promise<RecordResult> {
  return syncRecord('customer', input);
}
