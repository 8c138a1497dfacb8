/**
 * The store as the engine sees it: every statement bound to a connection, in groups named like their tables. Activities,
 * relay and inbound take this port and nothing of Postgres, so that the same code runs on another implementation.
 */
import * as adoption from './adoption';
import * as breakers from './breakers';
import * as conflicts from './conflicts';
import * as connections from './connections';
import * as cursors from './cursors';
import * as deleteGuard from './deleteGuard';
import * as events from './events';
import * as intents from './intents';
import * as links from './links';
import * as paces from './paces';
import * as records from './records';
import * as webhookEndpoints from './webhookEndpoints';
import * as sweepFindings from './sweepFindings';
import * as sweepReadings from './sweepReadings';
import * as sweeps from './sweeps';
import * as workQueue from './workQueue';
import type { Database, Sql } from './database';

type Bound<Group> = {
  readonly [
    Name in keyof Group as Group[Name] extends (sql: Sql, ...rest: never[]) => unknown ? Name : never
  ]: Group[Name] extends (sql: Sql, ...rest: infer Rest) => infer Result ? (...rest: Rest) => Result : never;
};

function bind<Group extends object>(group: Group, sql: Sql): Bound<Group> {
  const functions = Object.entries(group).filter(([, value]) => typeof value === 'function');
  return Object.fromEntries(
    functions.map(([name, statement]) => [name, (...rest: unknown[]) => statement(sql, ...rest)]),
  ) as Bound<Group>;
}

export interface Statements {
  readonly adoption: Bound<typeof adoption>;
  readonly breakers: Bound<typeof breakers>;
  readonly conflicts: Bound<typeof conflicts>;
  readonly connections: Bound<typeof connections>;
  readonly cursors: Bound<typeof cursors>;
  readonly deletes: Bound<typeof deleteGuard>;
  readonly endpoints: Bound<typeof webhookEndpoints>;
  readonly events: Bound<typeof events>;
  readonly intents: Bound<typeof intents>;
  readonly links: Bound<typeof links>;
  readonly paces: Bound<typeof paces>;
  readonly records: Bound<typeof records>;
  readonly sweepFindings: Bound<typeof sweepFindings>;
  readonly sweepReadings: Bound<typeof sweepReadings>;
  readonly sweeps: Bound<typeof sweeps>;
  readonly queue: Bound<typeof workQueue>;
}

/** Single statements directly; several that belong together through `transact`, which may run its work again. */
export interface Store extends Statements {
  transact<T>(work: (tx: Statements) => Promise<T>): Promise<T>;
  /** For what may be lost in a crash of Postgres, because it is only done again: see `Database.transactUnflushed`. */
  transactUnflushed<T>(work: (tx: Statements) => Promise<T>): Promise<T>;
}

function bindAll(sql: Sql): Statements {
  return {
    adoption: bind(adoption, sql),
    breakers: bind(breakers, sql),
    conflicts: bind(conflicts, sql),
    connections: bind(connections, sql),
    cursors: bind(cursors, sql),
    deletes: bind(deleteGuard, sql),
    endpoints: bind(webhookEndpoints, sql),
    events: bind(events, sql),
    intents: bind(intents, sql),
    links: bind(links, sql),
    paces: bind(paces, sql),
    records: bind(records, sql),
    sweepFindings: bind(sweepFindings, sql),
    sweepReadings: bind(sweepReadings, sql),
    sweeps: bind(sweeps, sql),
    queue: bind(workQueue, sql),
  };
}

export function createStore(database: Database): Store {
  return {
    ...bindAll(database),
    transact: (work) => database.transact((sql) => work(bindAll(sql))),
    transactUnflushed: (work) => database.transactUnflushed((sql) => work(bindAll(sql))),
  };
}
