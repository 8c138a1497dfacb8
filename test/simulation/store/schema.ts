/** The tables of migrations/0001_foundation.ts. Times are Unix milliseconds, JSON is plain data that nobody changes. */
import type { Base, Fields } from '../../../src/core/fields';
import type { FieldSwings } from '../../../src/core/pingPong';
import type { Reason } from '../../../src/core/reason';
import type { Refused } from '../../../src/store/intents';
import type { LinkState, Outcome } from '../../../src/store/links';
import {
  CONFLICT,
  CONNECTION,
  CURSOR,
  CUSTOMER,
  EVENT,
  INTENT,
  LINK,
  QUEUE,
  SWEEP,
  TOMBSTONE,
} from './forms';
import { Table } from './table';
import type { Versioned } from './table';

export interface CustomerRow extends Versioned {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly version: number;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface TombstoneRow extends Versioned {
  readonly catalog: string;
  readonly record_id: string;
  readonly version: number;
  readonly fields: Fields;
  readonly created_at: number;
  readonly deleted_at: number;
}

export interface ConnectionRow extends Versioned {
  readonly name: string;
  readonly system: string;
  readonly account: string | null;
  readonly api_base: string | null;
  readonly mode: string | null;
  readonly identified_at: number | null;
  readonly paused_at: number | null;
  readonly pause_code: string | null;
  readonly pause_detail: string | null;
  readonly recovering_since: number | null;
  readonly down_since: number | null;
  readonly down_code: string | null;
  readonly probe_at: number | null;
  readonly release_rows: number;
  readonly degraded: readonly string[];
  readonly created_at: number;
}

export interface PaceRow extends Versioned {
  readonly connection: string;
  readonly class: string;
  readonly next_at: number;
  readonly slowed_at: number | null;
  readonly slowed_to: number | null;
}

export interface LinkRow extends Versioned {
  readonly id: number;
  readonly connection: string;
  readonly catalog: string;
  readonly record_id: string;
  readonly generation: number;
  readonly remote_id: string | null;
  readonly state: LinkState;
  readonly born: 'local' | 'remote';
  readonly base: Base;
  readonly agreed_version: number | null;
  readonly look_id: number;
  readonly fence: number;
  readonly run_id: string | null;
  readonly remote_deleted_at: number | null;
  readonly detached: boolean;
  readonly possible_duplicate: boolean;
  readonly swings: FieldSwings;
  readonly refused: Refused | null;
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  readonly reason_since: number | null;
  readonly decision: { readonly what: string; readonly requestId: string | null } | null;
  readonly last_synced_at: number | null;
  readonly waits: number;
  readonly created_at: number;
}

export interface IntentRow extends Versioned {
  readonly key: string;
  readonly link_id: number;
  readonly kind: string;
  readonly values: Fields | null;
  readonly replaces: Record<string, string>;
  readonly version: number;
  readonly look_id: number;
  readonly created_at: number;
  readonly first_sent_at: number | null;
  readonly last_sent_at: number | null;
  readonly sends: number;
  readonly unbegun: number;
  readonly absent_at: number | null;
  readonly trace_place: string | null;
  readonly ended_at: number | null;
  readonly ending: string | null;
  readonly request_id: string | null;
}

export interface ConflictRow extends Versioned {
  readonly id: string;
  readonly link_id: number;
  readonly connection: string;
  readonly catalog: string;
  readonly record_id: string;
  readonly field: string;
  readonly ours: unknown;
  readonly theirs: unknown;
  readonly winner: string;
  readonly cause: string;
  readonly created_at: number;
  readonly resolved_at: number | null;
  readonly resolution: string | null;
}

export interface GuardRow extends Versioned {
  readonly connection: string;
  readonly direction: string;
  readonly tripped_at: number | null;
  readonly allowed_at: number;
  readonly linked: number;
  readonly linked_at: number;
}

export interface PassRow extends Versioned {
  readonly link_id: number;
  readonly direction: string;
  readonly connection: string;
  readonly version: number;
  readonly verdict: 'counted' | 'held' | 'allowed' | 'kept';
  readonly passed_at: number;
}

export interface QueueRow extends Versioned {
  readonly catalog: string;
  readonly record_id: string;
  readonly seq: number;
  readonly hint: string;
  readonly hinted_at: number;
  readonly last_hint_at: number;
  readonly due_at: number;
  readonly signalled_at: number | null;
  readonly rings: number;
  readonly waiting_on: readonly string[];
  readonly bulk: boolean;
  readonly recovered: boolean;
  readonly restless: number;
}

export interface OwedRow extends Versioned {
  readonly catalog: string;
  readonly record_id: string;
  readonly hint: string;
  readonly owed_since: number;
}

export interface TimelineRow extends Versioned {
  readonly seq: number;
  readonly catalog: string;
  readonly record_id: string;
  readonly at: number;
  readonly kind: string;
  readonly connection: string | null;
  readonly link_id: number | null;
  readonly run_id: string | null;
  readonly request_id: string | null;
  readonly version: number | null;
  readonly changes: Record<string, readonly [unknown, unknown]>;
  readonly detail: Record<string, unknown>;
}

export interface EventRow extends Versioned {
  readonly connection: string;
  readonly id: string;
  readonly type: string;
  readonly catalog: string | null;
  readonly remote_id: string | null;
  readonly record_id: string | null;
  readonly created_at: number;
  readonly received_at: number;
  readonly source: string;
  readonly result: string;
}

export interface CursorRow extends Versioned {
  readonly connection: string;
  readonly event_created_at: number;
  readonly polled_at: number;
  readonly poller: string | null;
  readonly lease_until: number;
  readonly overlapped_at: number;
}

export interface EndpointRow extends Versioned {
  readonly connection: string;
  readonly url: string;
  readonly endpoint_id: string | null;
  readonly secret: string | null;
  readonly trouble: string | null;
  readonly trouble_detail: string | null;
  readonly since: number;
}

export interface SweepRow extends Versioned {
  readonly id: string;
  readonly connection: string;
  readonly cause: string;
  readonly catalog: string | null;
  readonly phase: string;
  readonly place: string | null;
  readonly calls: number;
  readonly objects: number;
  readonly records: number;
  readonly found: number;
  readonly known: number;
  readonly waits_for: string | null;
  readonly waits_since: number | null;
  readonly requested_at: number;
  readonly progressed_at: number | null;
  readonly rung_at: number | null;
  readonly ended_at: number | null;
  readonly ending: string | null;
}

export interface SeenRow extends Versioned {
  readonly sweep_id: string;
  readonly link_id: number;
}

export interface FindingRow extends Versioned {
  readonly id: number;
  readonly sweep_id: string;
  readonly catalog: string;
  readonly record_id: string;
  readonly link_id: number | null;
  readonly remote_id: string | null;
  readonly side: string;
  readonly kind: string;
  readonly fields: readonly string[];
  readonly found_at: number;
}

/** Parts of a key, joined by what none of them holds. */
export const key = (...parts: readonly (string | number)[]): string => parts.join('\u0001');

export const isLive = (state: LinkState): boolean =>
  state === 'reserved' || state === 'linked' || state === 'deleting';

export function createTables() {
  return {
    customers: new Table<CustomerRow>('customers', (r) => r.id, [], CUSTOMER),
    tombstones: new Table<TombstoneRow>('tombstones', (r) => key(r.catalog, r.record_id), [], TOMBSTONE),
    connections: new Table<ConnectionRow>('connections', (r) => r.name, [], CONNECTION),
    paces: new Table<PaceRow>('paces', (r) => key(r.connection, r.class)),
    links: new Table<LinkRow>(
      'links',
      (r) => r.id,
      [
        {
          name: 'links_connection_catalog_record_id_generation_key',
          of: (r) => key(r.connection, r.catalog, r.record_id, r.generation),
        },
        {
          name: 'links_remote',
          of: (r) => (r.remote_id === null ? null : key(r.connection, r.catalog, r.remote_id)),
        },
        {
          name: 'links_live',
          of: (r) => (isLive(r.state) ? key(r.connection, r.catalog, r.record_id) : null),
        },
      ],
      LINK,
    ),
    intents: new Table<IntentRow>(
      'intents',
      (r) => r.key,
      [{ name: 'intents_open', of: (r) => (r.ended_at === null ? String(r.link_id) : null) }],
      INTENT,
    ),
    conflicts: new Table<ConflictRow>(
      'conflicts',
      (r) => r.id,
      [
        {
          name: 'conflicts_asked',
          of: (r) => (r.winner === 'ask' && r.resolved_at === null ? key(r.link_id, r.field) : null),
        },
      ],
      CONFLICT,
    ),
    guards: new Table<GuardRow>('delete_guards', (r) => key(r.connection, r.direction)),
    passes: new Table<PassRow>('delete_passes', (r) => key(r.link_id, r.direction)),
    queue: new Table<QueueRow>('work_queue', (r) => key(r.catalog, r.record_id), [], QUEUE),
    owed: new Table<OwedRow>('owed_hints', (r) => key(r.catalog, r.record_id, r.hint)),
    timeline: new Table<TimelineRow>('timeline', (r) => r.seq),
    events: new Table<EventRow>('events', (r) => key(r.connection, r.id), [], EVENT),
    cursors: new Table<CursorRow>('event_cursors', (r) => r.connection, [], CURSOR),
    endpoints: new Table<EndpointRow>('webhook_endpoints', (r) => r.connection),
    sweeps: new Table<SweepRow>(
      'sweeps',
      (r) => r.id,
      [{ name: 'sweeps_open', of: (r) => (r.ended_at === null ? r.connection : null) }],
      SWEEP,
    ),
    seen: new Table<SeenRow>('sweep_seen', (r) => key(r.sweep_id, r.link_id)),
    findings: new Table<FindingRow>('sweep_findings', (r) => r.id, [
      {
        name: 'sweep_findings_sweep_id_catalog_record_id_kind_key',
        of: (r) => key(r.sweep_id, r.catalog, r.record_id, r.kind),
      },
    ]),
  };
}

export type Tables = ReturnType<typeof createTables>;
