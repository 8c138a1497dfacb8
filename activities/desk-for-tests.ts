/**
 * What the tests of this room share: activities over a real database and systems in memory, a driver that takes one look as
 * the workflow does, and everything that would cross into Temporal, kept to be searched for personal values.
 */
import { randomUUID } from 'node:crypto';
import { CATALOGS } from '../src/catalogs/catalogs';
import { markName } from '../src/connectors/connector';
import type { Connector } from '../src/connectors/connector';
import { inLanes } from '../src/bin/lanes';
import type { Passage } from '../src/connectors/passage';
import { createMemoryConnector, createMemorySystem } from '../src/connectors/memory';
import type { Marks, MemorySystem } from '../src/connectors/memory';
import type { DeleteGuard } from '../src/core/deleteGuard';
import type { ConflictPolicy, Fields, Policy } from '../src/core/fields';
import {
  parseCatalogName,
  parseConnectionName,
  parseInstallationId,
  parseRecordId,
  trusted,
} from '../src/core/ids';
import type { ConnectionName, InstallationId, RecordId, RemoteId } from '../src/core/ids';
import { hear } from '../src/inbound/door';
import { openDatabase } from '../src/store/database';
import type { Database } from '../src/store/database';
import { fingerprintWith, readInstallation } from '../src/store/installation';
import { expectReplayed } from '../src/store/replay-for-tests';
import { createStore } from '../src/store/store';
import type { Store } from '../src/store/store';
import { freshDatabase } from '../test/environment/database';
import type { FreshDatabase } from '../test/environment/database';
import type { ActivityDeps, ActivityLog } from './deps';
import { createActivities, sendingAtOnce } from './index';
import type { Activities, OpenLink, SweepActivities } from './index';
import { createLooks } from './looks-for-tests';
import type { Looked } from './looks-for-tests';

export const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');
export const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');
export const CRM = trusted(parseConnectionName('crm'), 'connection name');

const HOUR_MS = 3_600_000;
const EVENTS_MAX = 100;
const LOOKS_MAX = 40;
/** The workflow run that every look here claims to be of. */
export const RUN = 'run_of_the_test';

/** A system in memory, to which a connection of its own name is made. */
export function newSystem(name: ConnectionName): MemorySystem {
  return createMemorySystem({
    name,
    clock: () => Date.now(),
    nextId: () => `${name}_${randomUUID()}`,
  });
}

export interface LinkRow {
  readonly id: number;
  readonly generation: number;
  readonly remote_id: string | null;
  readonly state: string;
  readonly outcome: string;
  readonly reason: { code: string; field: string | null; detail: string | null } | null;
  readonly base: Record<string, { ours: unknown; theirs: unknown }>;
  readonly agreed_version: number | null;
  readonly detached: boolean;
  readonly possible_duplicate: boolean;
}

export interface Desk {
  readonly database: Database;
  readonly store: Store;
  /** The first system, to which the connection `stripe` is made. */
  readonly system: MemorySystem;
  /** All of them, the highest rank first. */
  readonly systems: readonly MemorySystem[];
  readonly activities: Activities & SweepActivities;
  /** The same over another store. */
  activitiesOver(store: Store): Activities;
  /** As the worker has them: an examination sends what it has written. */
  atOnceOver(store: Store): Activities;
  readonly connectors: ReadonlyMap<ConnectionName, Connector>;
  /** Results and failures as Temporal would keep them. */
  readonly crossed: string[];
  /** Somebody writes a customer with SQL; an id makes it a restore. */
  insert(fields: Fields, id?: RecordId): Promise<RecordId>;
  update(id: RecordId, fields: Fields): Promise<void>;
  remove(id: RecordId): Promise<void>;
  /** The customer's fields, or null without a row. */
  row(id: RecordId): Promise<Fields | null>;
  links(id: RecordId): Promise<LinkRow[]>;
  /** The newest link's row. */
  link(id: RecordId): Promise<LinkRow>;
  lost(id: RecordId): Promise<object[]>;
  /** Our mark of a record, as it stands on its objects. */
  mark(id: RecordId): Marks;
  /** What a webhook about an object does: an id is reserved and the record queued. */
  hint(id: RecordId): Promise<void>;
  born(remoteId: RemoteId, connection?: ConnectionName): Promise<RecordId>;
  /** Time passes for the record's open intents and for what the systems keep of its keys. */
  hoursPass(id: RecordId, hours: number): Promise<void>;
  /** Everything that a system tells of comes in at the door, oldest first: also what came in before. */
  hear(system: MemorySystem): Promise<void>;
  /** Looks at every record that waits, until only such are left as wait for a connection. */
  rest(): Promise<void>;
  open(id: RecordId): Promise<OpenLink>;
  look(id: RecordId): Promise<Looked>;
  /** Looks until nothing asks for another; trouble leaves the row for later. */
  settle(id: RecordId): Promise<Looked>;
  /** A customer that stands on both sides, in sync. */
  synced(fields: Fields): Promise<{ id: RecordId; remoteId: RemoteId }>;
}

const SILENT: ActivityLog = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT,
};

let mails = 0;
/** An address nobody else in this file has: records are recognised by theirs. */
export function freshMail(): string {
  mails += 1;
  return `ann${mails}@example.com`;
}

function policyOf(onConflict: ConflictPolicy, onDelete: Policy['onDelete']): Policy {
  const fields = [...CATALOGS.values()].flatMap((catalog) => Object.entries(catalog.fields));
  return {
    fields: Object.fromEntries(fields.map(([name, { canonical }]) => [name, { canonical, onConflict }])),
    onDelete,
  };
}

export interface DeskOptions {
  readonly onConflict?: ConflictPolicy;
  readonly onDelete?: Policy['onDelete'];
  /** None: any number of deletions passes. */
  readonly deleteGuard?: DeleteGuard | null;
  /** The first system; without it a new one. */
  readonly system?: MemorySystem;
  /** More systems, each with a connection of its name, in their order of rank below the first. */
  readonly others?: readonly MemorySystem[];
  /** Connections in the order in which a look tends them, one after the other; without it all at once. */
  readonly order?: readonly string[];
  /** What all that is sent leaves through; without it at once. */
  readonly passage?: (store: Store, connection: ConnectionName) => Passage;
}

function connectors(
  systems: readonly MemorySystem[],
  installationId: string,
  passageOf: (connection: ConnectionName) => Passage | undefined = () => undefined,
) {
  const installation: InstallationId = trusted(parseInstallationId(installationId), 'installation');
  return systems.map((system) => {
    const connection = trusted(parseConnectionName(system.name), 'connection name');
    return {
      identity: system.identity,
      connector: createMemoryConnector({ connection, installation, system, passage: passageOf(connection) }),
    };
  });
}

/** A new desk over a database that may have served others: its connections start anew. */
export async function createDesk(database: Database, options: DeskOptions = {}): Promise<Desk> {
  const store = createStore(database);
  const installation = await readInstallation(database);
  const system = options.system ?? newSystem(STRIPE);
  const systems = [system, ...(options.others ?? [])];
  await database.query('delete from counterpart.connections');
  await database.query('delete from counterpart.work_queue');
  for (const { identity, connector } of connectors(systems, installation.id)) {
    await store.connections.register(connector.connection, connector.system);
    await store.connections.keepIdentity(connector.connection, identity);
  }
  const crossed: string[] = [];
  const deps: ActivityDeps = {
    store,
    catalogs: CATALOGS,
    connectors: new Map(
      connectors(systems, installation.id, (name) => options.passage?.(store, name)).map(({ connector }) => [
        connector.connection,
        connector,
      ]),
    ),
    policies: new Map([[CUSTOMER, policyOf(options.onConflict ?? 'local', options.onDelete ?? 'propagate')]]),
    deleteGuard: options.deleteGuard ?? null,
    installation: installation.id,
    identified: () => true,
    fingerprint: fingerprintWith(installation.secret),
    random: { uuid: randomUUID },
    log: SILENT,
    logContext: () => ({}),
    runId: () => RUN,
    metrics: { remoteCall: () => undefined, propagated: () => undefined },
  };
  const activities = inLanes(createActivities(deps));

  const { look, settle } = createLooks(activities, crossed, options.order);

  async function links(id: RecordId): Promise<LinkRow[]> {
    const { rows } = await database.query<LinkRow>(
      'select * from counterpart.links where record_id = $1 order by generation, id',
      [id],
    );
    return rows;
  }

  const desk: Desk = {
    database,
    store,
    system,
    systems,
    activities,
    activitiesOver: (other) => createActivities({ ...deps, store: other }),
    atOnceOver: (other) => sendingAtOnce({ ...deps, store: other }),
    connectors: deps.connectors,
    crossed,
    look,
    settle,
    links,
    async insert(fields, id) {
      const { rows } = await database.query<{ id: string }>(
        'insert into counterpart.customers (id, name, email) values (coalesce($1, counterpart.uuidv7()), $2, $3) returning id',
        [id ?? null, fields['name'] ?? null, fields['email'] ?? null],
      );
      return trusted(parseRecordId(rows[0]!.id), 'record id');
    },
    async update(id, fields) {
      const sets = Object.keys(fields).map((name, i) => `${name} = $${i + 2}`);
      await database.query(`update counterpart.customers set ${sets.join(', ')} where id = $1`, [
        id,
        ...Object.values(fields),
      ]);
    },
    async remove(id) {
      await database.query('delete from counterpart.customers where id = $1', [id]);
    },
    async row(id) {
      const { rows } = await database.query<Record<string, string | null>>(
        'select name, email from counterpart.customers where id = $1',
        [id],
      );
      return rows[0] ?? null;
    },
    async link(id) {
      const newest = (await links(id)).at(-1);
      if (newest === undefined) throw new Error('This record has no link');
      return newest;
    },
    async lost(id) {
      const { rows } = await database.query<{
        field: string;
        ours: unknown;
        theirs: unknown;
        winner: string;
        cause: string;
      }>(
        'select field, ours, theirs, winner, cause from counterpart.conflicts where record_id = $1 order by created_at, id',
        [id],
      );
      return rows;
    },
    mark: (id) => ({ [markName(installation.id)]: id }),
    hint: (id) => store.queue.enqueue(CUSTOMER, [id], 'webhook'),
    async born(remoteId, connection = STRIPE) {
      const link = await store.links.reserveForRemote({
        connection,
        catalog: CUSTOMER,
        remoteId,
        deleted: false,
      });
      await desk.hint(link.recordId);
      return link.recordId;
    },
    async hoursPass(id, hours) {
      for (const each of systems) each.ageKeys(hours * HOUR_MS);
      await database.query(
        `update counterpart.intents set first_sent_at = first_sent_at - $2 * interval '1 hour',
           absent_at = absent_at - $2 * interval '1 hour'
         where ended_at is null and link_id in (select id from counterpart.links where record_id = $1)`,
        [id, hours],
      );
    },
    async hear({ name }) {
      const connector = [...deps.connectors.values()].find(({ connection }) => connection === name);
      const answer = await connector?.listEvents?.({ before: null, limit: EVENTS_MAX });
      if (connector === undefined || answer?.kind !== 'answered' || answer.value.hasMore) {
        throw new Error(`${name} did not list all its events`);
      }
      const { fingerprint, policies } = deps;
      const door = { store, installation: installation.id, fingerprint, policies };
      for (const event of answer.value.events.toReversed()) await hear(door, connector, event, 'poll');
    },
    async rest() {
      for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
        const { rows } = await database.query<{ record_id: string }>(
          `select record_id from counterpart.work_queue where waiting_on = '{}' limit 1`,
        );
        if (rows[0] === undefined) return;
        await settle(trusted(parseRecordId(rows[0].record_id), 'record id'));
      }
      throw new Error('The queue does not come to rest');
    },
    async open(id) {
      const opened = await activities.openLook({ catalog: CUSTOMER, recordId: id });
      if (opened.kind !== 'open' || opened.links[0] === undefined) throw new Error('Nothing to look at');
      return opened.links[0];
    },
    async synced(fields) {
      const id = await desk.insert(fields);
      await desk.settle(id);
      const remoteId = (await store.links.newestOfRecord(CUSTOMER, id)).find(
        ({ connection }) => connection === STRIPE,
      )?.remoteId;
      if (remoteId === undefined || remoteId === null) throw new Error('The customer was not created there');
      system.calls.length = 0;
      return { id, remoteId };
    },
  };
  return desk;
}

/** Names and addresses in these tests are Ann's: none may be in what crosses into Temporal. */
const PERSONAL = /Ann|@example\.com/;

/** I9: the same key always carries the same params, and takes effect once at most. */
function expectSingleMutations(system: MemorySystem): void {
  const params = new Map<string, string>();
  const applied = new Set<string>();
  for (const call of system.writes()) {
    if (call.key === null) continue;
    const sent = JSON.stringify([call.operation, call.remoteId, call.values]);
    expect(params.get(call.key) ?? sent).toBe(sent);
    params.set(call.key, sent);
    if (call.applied) expect(applied.has(call.key)).toBe(false);
    if (call.applied) applied.add(call.key);
  }
}

/** A database for one test file; each call opens a new desk over it. After each test I9, I16 and I18 are checked. */
export function desks(): (options?: DeskOptions) => Promise<Desk> {
  let fresh: FreshDatabase;
  let database: Database;
  let opened: Desk[] = [];
  let replayedTo = 0;
  beforeAll(async () => {
    fresh = await freshDatabase();
    database = openDatabase(fresh.url, { max: 8, name: 'test', onIdleError: () => undefined });
  });
  afterEach(async () => {
    replayedTo = await expectReplayed(database, replayedTo);
    for (const desk of opened) {
      expect(desk.crossed.join('\n')).not.toMatch(PERSONAL);
      for (const system of desk.systems) expectSingleMutations(system);
    }
    opened = [];
  });
  afterAll(async () => {
    await database.close();
    await fresh.drop();
  });
  return async (options) => {
    const desk = await createDesk(database, options);
    opened.push(desk);
    return desk;
  };
}
