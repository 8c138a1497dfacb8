/**
 * What the tests of sweeps share: a desk over a database of its own for each test, since a sweep reads everything that is
 * there, and sweeps made as the workflow makes them.
 */
import { randomBytes } from 'node:crypto';
import type { RecordId } from '../../src/core/ids';
import { openDatabase } from '../../src/store/database';
import type { Database } from '../../src/store/database';
import type { Sweep, SweepCause } from '../../src/store/sweeps';
import { copyOf, freshDatabase } from '../../test/environment/database';
import type { FreshDatabase } from '../../test/environment/database';
import { createDesk, STRIPE } from '../desk-for-tests';
import type { Desk, DeskOptions } from '../desk-for-tests';
import type { SweepBatch } from './sweepBatch';

const BATCHES_MAX = 200;

export interface Place extends Desk {
  /** Makes the open sweep of the connection, or a new one, to its end, as far as it goes. */
  sweep(cause?: SweepCause): Promise<Sweep>;
  /** The drift report, as `here edited name` and `there created`, sorted. */
  findings(): Promise<string[]>;
  /** Sweeps until nothing is found, and looks at all that waits. */
  heal(): Promise<Sweep>;
  /** Runs SQL with the triggers of the customers' table off, as a restore of a dump does. */
  pastTriggers(statement: string, values?: readonly unknown[]): Promise<void>;
  calls(operation: string): number;
}

const open = (url: string): Database =>
  openDatabase(url, { max: 6, name: 'test', onIdleError: () => undefined });

export async function sweepOn(desk: Desk, cause: SweepCause = 'operator'): Promise<Sweep> {
  const { sweep } = await desk.store.sweeps.request(STRIPE, cause);
  for (let batches = 0; batches < BATCHES_MAX; batches += 1) {
    const batch: SweepBatch = await desk.activities.sweepBatch({ connection: STRIPE });
    desk.crossed.push(JSON.stringify(batch));
    if (batch.next === 'idle' || (batch.next === 'wait' && batch.waitsFor !== null)) break;
    // The queue is full of what was found: it is looked at meanwhile.
    if (batch.next === 'wait') await restAll(desk);
  }
  return (await desk.store.sweeps.findSweep(sweep.id))!;
}

/** Looks at every record that waits, however many, until only such are left as wait for a connection. */
export async function restAll(desk: Desk): Promise<void> {
  for (;;) {
    const { rows } = await desk.database.query<{ record_id: RecordId }>(
      `select record_id from counterpart.work_queue where waiting_on = '{}' limit 100`,
    );
    if (rows.length === 0) return;
    await Promise.all(rows.map(({ record_id }) => desk.settle(record_id)));
  }
}

/** Databases of tests are copies of one that was migrated once: an installation of its own needs a name of its own. */
async function nameAnew(database: Database): Promise<void> {
  await database.query('update counterpart.installation set id = $1, secret = $2', [
    randomBytes(8).toString('hex'),
    randomBytes(32),
  ]);
}

async function placeOver(database: Database, options: DeskOptions): Promise<Place> {
  const desk = await createDesk(database, options);
  const place: Place = {
    ...desk,
    sweep: (cause) => sweepOn(desk, cause),
    async findings() {
      const [newest] = await desk.store.sweeps.listSweeps(1);
      const found = await desk.store.sweepFindings.listFindings(newest!.id, 10_000);
      return found.map(({ side, kind, fields }) => [side, kind, ...fields].join(' ')).toSorted();
    },
    async heal() {
      const sweep = await sweepOn(desk);
      await restAll(desk);
      return sweep;
    },
    async pastTriggers(statement, values = []) {
      await database.query('alter table counterpart.customers disable trigger user');
      await database.query(statement, values);
      await database.query('alter table counterpart.customers enable trigger user');
    },
    calls: (operation) => desk.system.calls.filter((call) => call.operation === operation).length,
  };
  return place;
}

/** A backup, which becomes a database when it is restored. */
export interface Backup {
  readonly copy: FreshDatabase;
}

export interface Places {
  open(options?: DeskOptions): Promise<Place>;
  /** Ends everything over this place's database and copies it; the place goes on over the original. */
  backUp(place: Place): Promise<{ backup: Backup; place: Place }>;
  /** The processes start anew over the backup; the system there is as it is now. */
  restore(backup: Backup, place: Place, options?: DeskOptions): Promise<Place>;
}

/** After each test I16 is checked: what would cross into Temporal holds no personal value. */
export function places(): Places {
  let databases: Database[] = [];
  let fresh: FreshDatabase[] = [];
  let opened: Place[] = [];
  const urls = new Map<Place, string>();

  async function over(url: string, options: DeskOptions, anew = false): Promise<Place> {
    const database = open(url);
    databases.push(database);
    if (anew) await nameAnew(database);
    const place = await placeOver(database, options);
    opened.push(place);
    urls.set(place, url);
    return place;
  }

  afterEach(async () => {
    for (const place of opened) expect(place.crossed.join('\n')).not.toMatch(/Ann|@example\.com/);
    for (const database of databases) await database.close();
    for (const one of fresh) await one.drop();
    [databases, fresh, opened] = [[], [], []];
    urls.clear();
  });

  return {
    async open(options = {}) {
      const one = await freshDatabase();
      fresh.push(one);
      return over(one.url, options, true);
    },
    async backUp(place) {
      const url = urls.get(place)!;
      databases = databases.filter((database) => database !== place.database);
      await place.database.close();
      const copy = await copyOf({ url });
      fresh.push(copy);
      return { backup: { copy }, place: await over(url, { system: place.system }) };
    },
    restore: (backup, place, options = {}) => over(backup.copy.url, { ...options, system: place.system }),
  };
}
