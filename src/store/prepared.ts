/**
 * Statements that every look runs are told to Postgres by name: a connection parses and plans them once and not at each run.
 * Measured: planning alone was a third of what Postgres takes for a change.
 */
import { createHash } from 'node:crypto';

/** Each takes some memory in every connection; a text beyond these is run as any other. */
const NAMES_MAX = 200;
const NAME_DIGITS = 24;

const names = new Map<string, string>();

/**
 * Says that this statement is run again and again. For one that finds its rows by a key or an index whatever the tables hold:
 * its plan is kept, also while a table grows. So not for the work queue, which is empty at one moment and full at the next.
 * @returns the text as it is
 */
export function often(text: string): string {
  if (!names.has(text) && names.size < NAMES_MAX) {
    // Of its own text alone: behind a pooler connections are shared, and nobody may find another statement under the name.
    const digest = createHash('sha256').update(text).digest('hex');
    names.set(text, `cp_${digest.slice(0, NAME_DIGITS)}`);
  }
  return text;
}

/** @returns undefined for a statement that is not run often */
export function nameOf(text: string): string | undefined {
  return names.get(text);
}

/**
 * The connection does not know the name, or knows it already though we have not told it: a pooler in between that does not follow
 * names. Or a migration has changed what the statement returns. (26000 invalid_sql_statement_name, 42P05
 * duplicate_prepared_statement, 0A000 feature_not_supported.) In each case nothing was done.
 */
const NAME_FAILED: ReadonlySet<unknown> = new Set(['26000', '42P05', '0A000']);

export function failedByName(code: unknown): boolean {
  return NAME_FAILED.has(code);
}
