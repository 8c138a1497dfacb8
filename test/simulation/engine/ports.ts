/**
 * What the parts of the simulated engine know of each other. Nothing in a simulation waits for anything but a turn: real
 * time, real input and output and Node's own timers do not exist in it, so one seed always gives one history.
 */
import type { Store } from '../../../src/store/store';
import type { Fields } from '../../../src/core/fields';
import type { RecordId } from '../../../src/core/ids';

/** The scheduler as one process sees it. A process that died is never let go on: its promises stay open for ever. */
export interface Turns {
  /** Resolves when the scheduler lets whoever waits here go on. Every await of a process is one of these. */
  turn(label: string): Promise<void>;
  /** Resolves at a turn after at least `ms` of virtual time. */
  sleep(ms: number, label: string): Promise<void>;
}

/** Seeded; the only source of chance. */
export interface Chance {
  /** 0 to `below` - 1. */
  int(below: number): number;
  /** True with this probability, 0 to 1. */
  happens(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  uuid(): string;
}

/** Virtual time, Unix milliseconds. */
export interface VirtualClock {
  now_ms(): number;
}

/** What the product's own code does to its table: by API or by SQL, in one transaction each. */
export interface ProductWrites {
  /** With an id that has a tombstone it is a restore. */
  insert(id: RecordId, fields: Fields): Promise<void>;
  /** @returns false when no such row stands */
  update(id: RecordId, fields: Fields): Promise<boolean>;
  remove(id: RecordId): Promise<boolean>;
  read(id: RecordId): Promise<Fields | null>;
  /** Several writes that commit together, or are rolled back together. */
  together(work: (writes: ProductWrites) => Promise<'commit' | 'rollback'>): Promise<void>;
}

/** All rows of the tables an oracle reads, by column name as in Postgres, dates as Unix milliseconds. */
export interface Contents {
  readonly customers: readonly Record<string, unknown>[];
  readonly tombstones: readonly Record<string, unknown>[];
  readonly links: readonly Record<string, unknown>[];
  readonly work_queue: readonly Record<string, unknown>[];
  readonly intents: readonly Record<string, unknown>[];
  readonly conflicts: readonly Record<string, unknown>[];
  readonly events: readonly Record<string, unknown>[];
  readonly timeline: readonly Record<string, unknown>[];
  readonly connections: readonly Record<string, unknown>[];
}

export interface DatabaseSession {
  readonly store: Store;
  readonly product: ProductWrites;
  /** The process died: its open transactions are rolled back and their locks let go. */
  drop(): void;
}

/** Postgres: in memory, or real with each statement a step. */
export interface SimulatedDatabase {
  /** A process's way in: every statement waits for a turn first, and again after it waited for a lock. */
  connect(turns: Turns): DatabaseSession;
  /** What is committed now. Takes no turn. @param names the tables that are read; default: all */
  contents<Name extends keyof Contents = keyof Contents>(
    names?: readonly Name[],
  ): Promise<Pick<Contents, Name>>;
}
