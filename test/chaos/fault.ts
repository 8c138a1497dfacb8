/** What a fault is. */
import type { Chance } from '../simulation/engine/ports';
import type { Board } from './board';
import type { Stage } from './stage';
import type { Takeovers } from './takeover';

export interface Injection {
  readonly stage: Stage;
  readonly board: Board;
  readonly takeovers: Takeovers;
  readonly note: (line: string) => void;
  /** What went wrong in the doing and must not: it is a finding. */
  readonly violation: (invariant: string, detail: string) => void;
}

/** Mends what was done. */
export type Mend = () => Promise<void>;

export interface FaultKind {
  readonly story: string;
  /** Of them one is drawn; two faults never have the same target at once. */
  readonly targets: readonly string[];
  readonly lasts_ms: readonly [number, number];
  /** What else is left alone, and how long, so that what it is for can be seen. */
  readonly leftAlone?: { readonly targets: readonly string[]; readonly for_ms: number };
  /** Numbers of its own, drawn when the plan is made. */
  readonly draw?: (chance: Chance) => Readonly<Record<string, number>>;
  begin(injection: Injection, target: string, drawn: Readonly<Record<string, number>>): Promise<Mend>;
}
