/** The names Temporal knows us by. */
import type { CatalogName, ConnectionName, RecordId } from '../core/ids';

/** Workflows and their local activities. */
export const WORKFLOW_QUEUE = 'counterpart';

/** Activities that call one connection; a dead system's queue fills up alone. */
export function connectionQueue(connection: ConnectionName): string {
  return `counterpart-${connection}`;
}

/** The connection whose calls a task queue is for; null for any other. */
export function connectionOfQueue(queue: string): string | null {
  return /^counterpart-(.+)$/.exec(queue)?.[1] ?? null;
}

/** `customer/<record id>`: at most one open run per record. */
export function workflowId(catalog: CatalogName, recordId: RecordId): string {
  return `${catalog}/${recordId}`;
}

/** `sweep/<connection>`: at most one open sweep per connection. */
export function sweepWorkflowId(connection: ConnectionName): string {
  return `sweep/${connection}`;
}

/** The schedule that asks for a sweep of every connection. */
export const SWEEP_SCHEDULE = 'counterpart-sweeps';

/** Search attributes, all of them ids or names. */
export const SEARCH_ATTRIBUTES = {
  CounterpartCatalog: 'KEYWORD',
  CounterpartConnections: 'KEYWORD_LIST',
  CounterpartOutcome: 'KEYWORD',
} as const;

export type SearchAttribute = keyof typeof SEARCH_ATTRIBUTES;
