import { createHash } from 'node:crypto';
import { DECISION_TABLE } from '../../../src/core/decisionTable';
import { reconcile } from '../../../src/core/reconcile';
import type { Base, Policy } from '../../../src/core/fields';
import type { Decision } from '../../../src/core/reconcile';
import type { Local, LocalKind, Remote, RemoteKind } from '../../../src/core/sides';

export interface CellCount {
  readonly local: LocalKind;
  readonly remote: RemoteKind;
  readonly verb: string;
  readonly hits: number;
}

/** Counts which cells of the decision table were asked, and sums up all that was decided. */
export class Tally {
  private readonly hits = new Map<string, number>();
  private readonly digest = createHash('sha256');

  /** The real decision, counted. */
  decide(base: Base, local: Local, remote: Remote, policy: Policy): Decision {
    const decision = reconcile(base, local, remote, policy);
    const cell = `${decision.cell.local}/${decision.cell.remote}`;
    this.hits.set(cell, (this.hits.get(cell) ?? 0) + 1);
    return decision;
  }

  /** Adds to the sum by which two runs with one seed can be told to have come to the same. */
  note(outcome: unknown): void {
    this.digest.update(JSON.stringify(outcome));
  }

  /** Every cell of the table, in its order, with how often it was asked. */
  cells(): CellCount[] {
    return (Object.keys(DECISION_TABLE) as LocalKind[]).flatMap((local) =>
      (Object.keys(DECISION_TABLE[local]) as RemoteKind[]).map((remote) => ({
        local,
        remote,
        verb: DECISION_TABLE[local][remote].verb,
        hits: this.hits.get(`${local}/${remote}`) ?? 0,
      })),
    );
  }

  /** Hexadecimal; ends the sum. */
  hash(): string {
    return this.digest.digest('hex');
  }
}

/** Decisions made to compare with: neither counted nor summed up. */
export const ASIDE = new Tally();
