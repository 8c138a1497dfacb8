/** A mistake that somebody could have made, as one replacement in one source file. */
export interface Defect {
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** `sql`: in the text of a statement, which only a real Postgres reads. */
  readonly tier: 'memory' | 'sql';
  /** What somebody may have thought. */
  readonly story: string;
}
