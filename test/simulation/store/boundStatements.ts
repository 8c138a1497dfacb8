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

type SqlFor = (label: string) => Sql;

interface Group {
  sqlFor: SqlFor;
}

/** The functions of one group stand in the prototype of whatever is bound, so that a way more costs next to nothing. */
function prototypeOf(group: string, functions: object): object {
  const prototype = {};
  for (const [name, statement] of Object.entries(functions as Record<string, unknown>)) {
    if (typeof statement !== 'function') continue;
    const label = `${group}.${name}`;
    const run = function run(this: Group, ...rest: unknown[]): unknown {
      return statement(this.sqlFor(label), ...rest);
    };
    Object.defineProperty(prototype, name, { value: run });
  }
  return prototype;
}

class Bound {
  constructor(readonly sqlFor: SqlFor) {}
}

/** A transaction needs two or three of the groups: each is made when it is asked for. */
for (const [group, functions] of Object.entries(GROUPS)) {
  const prototype = prototypeOf(group, functions);
  Object.defineProperty(Bound.prototype, group, {
    enumerable: true,
    get(this: Bound) {
      const bound = Object.create(prototype) as Group;
      bound.sqlFor = this.sqlFor;
      return bound;
    },
  });
}

/** @param sqlFor the way to the database for the statements of one function */
export function bindStatements(sqlFor: SqlFor): Statements {
  return new Bound(sqlFor) as unknown as Statements;
}
