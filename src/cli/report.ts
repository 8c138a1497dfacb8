/** What a command found: the API's answer for `--json`, its lines for a person. */
export interface Report {
  readonly answer: unknown;
  readonly lines: readonly string[];
  /** Something is not in sync: the exit code is 1. */
  readonly finding: boolean;
}
