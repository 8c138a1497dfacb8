/** Every mutation that a remote heard of, ours and people's, in the order in which they took effect there. */
import type { Marks } from '../../../src/connectors/memory';
import type { Fields } from '../../../src/core/fields';
import type { RecordId, RemoteId } from '../../../src/core/ids';
import type { Where } from './plan';

export interface Effect {
  /** The scheduler's step, and virtual time in Unix milliseconds. */
  readonly step: number;
  readonly at_ms: number;
  readonly connection: Where;
  readonly by: 'us' | 'people';
  readonly does: 'create' | 'update' | 'remove' | 'mark';
  /** Null for a create that made nothing. */
  readonly remoteId: RemoteId | null;
  /** Of our create: the record whose mark it carries. */
  readonly recordId: RecordId | null;
  /** Of our call; a deletion has none. */
  readonly key: string | null;
  /** What was sent, as it was sent. */
  readonly values: Fields | null;
  /** Whether it changed what stands there. */
  readonly applied: boolean;
  /** The stored outcome of an earlier call with this key was given again. */
  readonly replayed: boolean;
  /** What stood there just before and stands there since; null: nothing. */
  readonly before: Fields | null;
  readonly after: Fields | null;
  readonly marks: Marks | null;
}

/** We were shown an object, or that it is gone. */
export interface Sight {
  readonly step: number;
  readonly connection: Where;
  readonly remoteId: RemoteId;
}

export interface Ledger {
  readonly effects: readonly Effect[];
  readonly sights: readonly Sight[];
  /** Keys of our creations of which at least one call ended without the caller knowing what became of it. */
  readonly doubts: ReadonlySet<string>;
}
