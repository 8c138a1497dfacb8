export interface Violation {
  /** `I1` to `I18`, as docs/RECONCILE.md names them. */
  readonly invariant: string;
  /** Which record, what was expected, what is there instead. */
  readonly detail: string;
}
