/** A mistake that somebody could have made, as a replacement or two in one source file. */
export interface Defect {
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** What belongs to it elsewhere in the file. */
  readonly and?: { readonly find: string; readonly replace: string };
  /** `sql`: in the text of a statement, which only a real Postgres reads. */
  readonly tier: 'memory' | 'sql';
  /** What somebody may have thought. */
  readonly story: string;
  /** How the names of those stories begin that are likely to show it: they are tried first. */
  readonly shownBy?: readonly string[];
  /** Each of these stories is tried in so many schedules. */
  readonly schedules?: number;
}
