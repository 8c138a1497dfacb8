/** What one run hands to the oracle, and what it counts for the report. */
import type { Fields } from '../../../src/core/fields';
import type { ConnectionName, RecordId } from '../../../src/core/ids';
import type { Ledger } from '../world/ledger';
import type { Plan } from '../world/plan';
import type { Remotes } from '../world/remotes';
import type { Contents } from './ports';

/** Something that is not as it must be. The engine finds some by itself (I13, I14, I7's silence); the oracle the rest. */
export interface Violation {
  /** `I1` to `I18`, as docs name them. */
  readonly invariant: string;
  /** Which record, what was expected, what is there instead. */
  readonly detail: string;
}

/**
 * What became of a write. `unknown`: whoever wrote died or was cut off before it was told; it happened once or not at all.
 * `refused`: nothing was written, by rule (no such row, no such object). `rolled_back`: on purpose.
 */
export type WriteFate = 'ok' | 'refused' | 'failed' | 'rolled_back' | 'unknown';

/** One write of the product on its own table, in the order in which it was told what became of it. */
export interface Written {
  /** Index of the plan's act it belongs to; -1: the start population. */
  readonly act: number;
  readonly does: 'insert' | 'update' | 'remove' | 'restore';
  readonly record: RecordId;
  readonly fields: Fields;
  readonly fate: WriteFate;
  /** Steps of the scheduler: what ended before another began came before it. */
  readonly begun: number;
  readonly ended: number;
  /** Virtual time, Unix milliseconds, when it ended. */
  readonly at_ms: number;
}

/** An event handed to the door as a webhook. `acknowledged`: its sender was answered 2xx. */
export interface Handed {
  readonly connection: ConnectionName;
  readonly event: string;
  readonly acknowledged: boolean;
}

export interface RunSeen {
  readonly workflowId: string;
  readonly runId: string;
  /** `customer`, `sweep` or `requestSweeps`. */
  readonly type: string;
  readonly ending: 'open' | 'completed' | 'continued' | 'failed' | 'terminated' | 'wiped';
  /** Events of its history, as many as Temporal would count. */
  readonly events: number;
  /** Workflow tasks that were done again, by cause. `UnhandledCommand` is normal, a lost worker's is injected. */
  readonly failedTasks: Readonly<Record<string, number>>;
  /** Of a failed run. */
  readonly failure: string | null;
}

/** A place in the history: how many entries the remotes' ledger had by then. */
export interface Moment {
  readonly step: number;
  readonly at_ms: number;
  readonly ledger: number;
}

/** What a run counts; summed over all runs for the report. */
export interface Tally {
  /** Turns given. */
  steps: number;
  /** Looks that were opened with something to do. */
  looks: number;
  /** Processes that died. */
  crashes: number;
  /** Creations there of which we could not know what became of them, and those of them that had taken effect. */
  doubts: number;
  doubtsMade: number;
  /** Turns at which a process could have died: between any two of its effects. */
  boundaries: number;
  virtual_ms: number;
  /** By `act.kind`. */
  readonly acts: Record<string, number>;
  /** By name of the fault, as world/ names them. */
  readonly faults: Record<string, number>;
}

export function emptyTally(): Tally {
  const none = { steps: 0, looks: 0, crashes: 0, doubts: 0, doubtsMade: 0, boundaries: 0, virtual_ms: 0 };
  return { ...none, acts: {}, faults: {} };
}

export interface Outcome {
  readonly plan: Plan;
  /** Running hash over every turn and every result; the same for the same plan and code. */
  readonly hash: string;
  readonly installation: string;
  readonly written: readonly Written[];
  readonly remotes: Remotes;
  readonly ledger: Ledger;
  readonly handed: readonly Handed[];
  readonly runs: readonly RunSeen[];
  /** Whether all came to rest within the bound after input stopped and faults were healed (I14). */
  readonly came: 'rest' | 'bound';
  /** Committed, when all had settled and before anything was delivered once more. */
  readonly settled: Contents;
  /** Committed, after all events were delivered once more and a full sweep of each connection was made. */
  readonly contents: Contents;
  readonly moments: {
    /** Input stopped and all faults were healed. */
    readonly quiet: Moment;
    /** Nothing moved any more. */
    readonly atRest: Moment;
    /** Between `atRest` and this no remote and no record may have been written. */
    readonly atEnd: Moment;
  };
  /** Log lines and all that crossed into histories; empty in most runs, because it costs. */
  readonly spoken: readonly string[];
  /** What the engine saw by itself. */
  readonly violations: readonly Violation[];
  readonly tally: Tally;
}
