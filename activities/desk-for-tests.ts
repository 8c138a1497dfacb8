/**
 * What the tests of this room share: activities over a real database and a fake system, a driver that takes one look as
 * the workflow does, and everything that would cross into Temporal, kept to be searched for personal values.
 */
import { randomUUID } from 'node:crypto';
import { CATALOGS } from '../src/catalogs/catalogs';
import type { ConflictPolicy, Fields, Policy } from '../src/core/fields';
import { parseCatalogName, parseConnectionName, parseRecordId, trusted } from '../src/core/ids';
import type { RecordId, RemoteId } from '../src/core/ids';
import { openDatabase } from '../src/store/database';
import type { Database } from '../src/store/database';
import { fingerprintWith, readInstallation } from '../src/store/installation';
import { createStore } from '../src/store/store';
import type { Store } from '../src/store/store';
import { freshDatabase } from '../test/environment/database';
import type { FreshDatabase } from '../test/environment/database';
import { createFakeSystem } from '../test/environment/fakeSystem';
import type { FakeSystem } from '../test/environment/fakeSystem';
import type { ActivityDeps, ActivityLog } from './deps';
import { createActivities } from './index';
import type { Activities, OpenLink } from './index';
import { createLooks } from './looks-for-tests';
import type { Looked } from './looks-for-tests';

export const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');
export const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');
export const CRM = trusted(parseConnectionName('crm'), 'connection name');

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
  readonly system: FakeSystem;
  readonly activities: Activities;
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
  /** What a webhook about an object does: an id is reserved and the record queued. */
  hint(id: RecordId): Promise<void>;
  born(remoteId: RemoteId): Promise<RecordId>;
  /** Makes the open intent of the record look as old as this. */
  ageIntent(id: RecordId, hours: number): Promise<void>;
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
  /** A second connection, served by this system. */
  readonly second?: FakeSystem;
}

/** A new desk over a database that may have served others: its connections start anew. */
async function createDesk(database: Database, options: DeskOptions = {}): Promise<Desk> {
  const store = createStore(database);
  const installation = await readInstallation(database);
  const system = createFakeSystem(STRIPE);
  const systems = options.second === undefined ? [system] : [system, options.second];
  await database.query('delete from counterpart.connections');
  await database.query('delete from counterpart.work_queue');
  for (const { connector } of systems) {
    await store.connections.register(connector.connection, connector.system);
    await store.connections.keepIdentity(connector.connection, system.identity);
  }
  const crossed: string[] = [];
  const deps: ActivityDeps = {
    store,
    catalogs: CATALOGS,
    connectors: new Map(systems.map(({ connector }) => [connector.connection, connector])),
    policies: new Map([[CUSTOMER, policyOf(options.onConflict ?? 'local', options.onDelete ?? 'propagate')]]),
    installation: installation.id,
    identified: () => true,
    fingerprint: fingerprintWith(installation.secret),
    random: { uuid: randomUUID },
    log: SILENT,
    logContext: () => ({}),
    metrics: { remoteCall: () => undefined, propagated: () => undefined },
  };
  const activities = createActivities(deps);

  const { look, settle } = createLooks(activities, crossed);

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
    activities,
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
    hint: (id) => store.queue.enqueue(CUSTOMER, [id], 'webhook'),
    async born(remoteId) {
      const link = await store.links.reserveForRemote({
        connection: STRIPE,
        catalog: CUSTOMER,
        remoteId,
        deleted: false,
      });
      await desk.hint(link.recordId);
      return link.recordId;
    },
    async ageIntent(id, hours) {
      await database.query(
        `update counterpart.intents set first_sent_at = first_sent_at - $2 * interval '1 hour'
         where ended_at is null and link_id in (select id from counterpart.links where record_id = $1)`,
        [id, hours],
      );
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
function expectSingleMutations({ system }: Desk): void {
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

/** A database for one test file; each call opens a new desk over it. After each test I9 and I16 are checked. */
export function desks(): (options?: DeskOptions) => Promise<Desk> {
  let fresh: FreshDatabase;
  let database: Database;
  let opened: Desk[] = [];
  beforeAll(async () => {
    fresh = await freshDatabase();
    database = openDatabase(fresh.url, { max: 8, name: 'test', onIdleError: () => undefined });
  });
  afterEach(() => {
    for (const desk of opened) {
      expect(desk.crossed.join('\n')).not.toMatch(PERSONAL);
      expectSingleMutations(desk);
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
