/** Signals and queries: the names other processes and people use. */
import { defineQuery, defineSignal } from '@temporalio/workflow';

/** Rings the doorbell: this record needs another look. Carries nothing; the work queue's row is the truth. */
export const hintSignal = defineSignal('hint');

/** What the open run is doing; ids, versions, field names and codes only. */
export interface RecordState {
  readonly recordId: string;
  readonly phase: 'opening' | 'looking' | 'closing' | 'done';
  readonly looks: number;
  readonly version: number | null;
  /** per connection, the steps of this look, e.g. `edited/edited merge push:email` */
  readonly steps: Readonly<Record<string, string>>;
}

export const stateQuery = defineQuery<RecordState>('state');
