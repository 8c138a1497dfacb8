import { parseCatalogName, parseRecordId, trusted } from '../src/core/ids';
import type { ActivityDeps } from './deps';
import type { RecordName } from './openLook';

export interface AnsweredHint extends RecordName {
  /** The hint a look began from. */
  readonly seq: number;
}

/** Whether something new was hinted since the look began. A ring alone does not tell: an unanswered row rings again. */
export async function hasNewer(
  deps: ActivityDeps,
  { catalog, recordId, seq }: AnsweredHint,
): Promise<boolean> {
  const hint = await deps.store.queue.readHint(
    trusted(parseCatalogName(catalog), 'catalog name'),
    trusted(parseRecordId(recordId), 'record id'),
  );
  return hint !== null && hint.seq !== seq;
}
