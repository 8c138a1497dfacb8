/** The store's functions as src/store/store.ts binds them, each told by its name `group.function` to whoever runs its statements. */
import * as adoption from '../../../src/store/adoption';
import * as breakers from '../../../src/store/breakers';
import * as conflicts from '../../../src/store/conflicts';
import * as connections from '../../../src/store/connections';
import * as cursors from '../../../src/store/cursors';
import type { Sql } from '../../../src/store/database';
import * as deletes from '../../../src/store/deleteGuard';
import * as events from '../../../src/store/events';
import * as intents from '../../../src/store/intents';
import * as links from '../../../src/store/links';
import * as paces from '../../../src/store/paces';
import * as records from '../../../src/store/records';
import type { Statements } from '../../../src/store/store';
import * as sweepFindings from '../../../src/store/sweepFindings';
import * as sweepReadings from '../../../src/store/sweepReadings';
import * as sweeps from '../../../src/store/sweeps';
import * as endpoints from '../../../src/store/webhookEndpoints';
import * as queue from '../../../src/store/workQueue';

const GROUPS: Record<keyof Statements, object> = {
  adoption,
  breakers,
  conflicts,
  connections,
  cursors,
  deletes,
  endpoints,
  events,
  intents,
  links,
  paces,
  records,
  sweepFindings,
  sweepReadings,
  sweeps,
  queue,
};

/** @param sqlFor the way to the database for the statements of one function */
export function bindStatements(sqlFor: (label: string) => Sql): Statements {
  const bound = Object.entries(GROUPS).map(([group, functions]) => [
    group,
    Object.fromEntries(
      Object.entries(functions as Record<string, unknown>).flatMap(([name, statement]) => {
        if (typeof statement !== 'function') return [];
        const sql = sqlFor(`${group}.${name}`);
        return [[name, (...rest: unknown[]): unknown => statement(sql, ...rest)]];
      }),
    ),
  ]);
  return Object.fromEntries(bound) as Statements;
}
