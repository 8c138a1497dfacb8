/**
 * Postgres in memory: the statements of src/store, the triggers and functions of the migration, and READ COMMITTED with its row
 * locks, as far as the engine can tell them from the real ones. describeStore.ts holds both to the same answers.
 */
import type { Contents, SimulatedDatabase, Turns } from '../engine/ports';
import { CODES, DatabaseFailure } from './failure';
import { MemorySession } from './memorySession';
import type { Breaking } from './memorySession';
import type { Slot, Table, Versioned } from './table';
import { Transactions } from './transactions';
import type { TransactionOptions } from './transactions';

/** LOCK_TIMEOUT_MS of src/bin/assemble.ts, STATEMENT_TIMEOUT_MS of src/store/database.ts. */
const LOCK_TIMEOUT_MS = 500;
const STATEMENT_TIMEOUT_MS = 10_000;

export interface MemoryDatabaseOptions extends TransactionOptions {
  /** Asked at each statement and commit whether its connection breaks. */
  readonly breaking?: Breaking;
  /** How long a statement waits for a lock; `Infinity` for no bound. */
  readonly lockTimeout_ms?: number;
  readonly statementTimeout_ms?: number;
}

export interface MemoryDatabase extends SimulatedDatabase {
  connect(turns: Turns): MemorySession;
  /**
   * Postgres crashes and is back at once: open transactions are rolled back and their statements fail; of commits that did not
   * wait for the disk a seeded number of the last ones is lost. Sessions go on with new connections.
   * @returns how many entries of its log were lost
   */
  crash(): number;
  /** What is committed now, without a promise. */
  read(): Contents;
  /** What is committed in the tables that no oracle reads. */
  others(): Promise<Record<string, readonly Record<string, unknown>[]>>;
}

function columnsOf<Row extends Versioned>(slot: Slot<Row>, row: Row): Readonly<Record<string, unknown>> {
  if (slot.shown?.row === row) return slot.shown.columns;
  const { life: _, ...columns } = row;
  slot.shown = { row, columns };
  return columns;
}

function committed<Row extends Versioned>(table: Table<Row>): Readonly<Record<string, unknown>>[] {
  const rows: Readonly<Record<string, unknown>>[] = [];
  for (const slot of table.slots.values())
    if (slot.committed !== null) rows.push(columnsOf(slot, slot.committed));
  return rows;
}

export function createMemoryDatabase(options: MemoryDatabaseOptions): MemoryDatabase {
  const transactions = new Transactions(options);
  const { tables } = transactions.memory;
  const patience = {
    lock_ms: options.lockTimeout_ms ?? LOCK_TIMEOUT_MS,
    statement_ms: options.statementTimeout_ms ?? STATEMENT_TIMEOUT_MS,
  };
  const readers: { readonly [Name in keyof Contents]: () => Contents[Name] } = {
    customers: () => committed(tables.customers),
    tombstones: () => committed(tables.tombstones),
    links: () => committed(tables.links),
    work_queue: () => committed(tables.queue),
    intents: () => committed(tables.intents),
    conflicts: () => committed(tables.conflicts),
    events: () => committed(tables.events),
    timeline: () => committed(tables.timeline),
    connections: () => committed(tables.connections),
  };
  const all = Object.keys(readers) as (keyof Contents)[];
  const read = <Name extends keyof Contents>(names: readonly Name[]): Pick<Contents, Name> =>
    Object.fromEntries(names.map((name) => [name, readers[name]()])) as Pick<Contents, Name>;
  return {
    connect: (turns) => new MemorySession(transactions, turns, patience, options.breaking ?? null),
    contents: async <Name extends keyof Contents>(names?: readonly Name[]) =>
      read(names ?? (all as readonly string[] as readonly Name[])),
    read: () => read(all),
    others: async () => ({
      delete_guards: committed(tables.guards),
      delete_passes: committed(tables.passes),
      event_cursors: committed(tables.cursors),
      owed_hints: committed(tables.owed),
      paces: committed(tables.paces),
      sweep_findings: committed(tables.findings),
      sweep_seen: committed(tables.seen),
      sweeps: committed(tables.sweeps),
      webhook_endpoints: committed(tables.endpoints),
    }),
    crash: () =>
      transactions.crash(
        new DatabaseFailure(CODES.adminShutdown, 'terminating connection: the server crashed'),
      ),
  };
}
