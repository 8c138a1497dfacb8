import { randomUUID } from 'node:crypto';
import { CATALOGS } from '../catalogs/catalogs';
import type { RemoteEvent } from '../connectors/connector';
import { keyPrefix } from '../connectors/connector';
import type { Fields, Policy } from '../core/fields';
import { parseInstallationId, trusted } from '../core/ids';
import type { RecordId, RemoteId } from '../core/ids';
import { createMemoryConnector, createMemorySystem } from '../connectors/memory';
import { openDatabase } from '../store/database';
import { fingerprintWith } from '../store/installation';
import { createStore } from '../store/store';
import { benches, CUSTOMER, newId, openLink, remoteId, STRIPE } from '../store/store-for-tests';
import { hear } from './door';

const bench = benches();
const INSTALLATION = '0123456789abcdef';
const fingerprint = fingerprintWith(Buffer.alloc(32, 7));
const connector = createMemoryConnector({
  connection: STRIPE,
  installation: trusted(parseInstallationId(INSTALLATION), 'installation'),
  system: createMemorySystem({ name: STRIPE, clock: Date.now, nextId: randomUUID }),
});
const SANDBOX = { account: 'acct_1', apiBase: 'memory:stripe', mode: 'test' } as const;

const fields = CATALOGS.get(CUSTOMER)!.fields;
const policy: Policy = {
  onDelete: 'propagate',
  fields: Object.fromEntries(
    Object.entries(fields).map(([name, { canonical }]) => [name, { canonical, onConflict: 'local' }]),
  ),
};

let remotes = 0;
const nextRemote = () => remoteId(`cus_door_${(remotes += 1)}`);

beforeEach(async () => {
  await bench().quiet();
  await bench().store.connections.register(STRIPE, 'memory');
  await bench().store.connections.keepIdentity(STRIPE, SANDBOX);
});

type Subject = NonNullable<RemoteEvent['subject']>;

function event(
  subject: Partial<Subject> & { remoteId: RemoteId },
  more: Partial<RemoteEvent> = {},
): RemoteEvent {
  const change = subject.change ?? 'updated';
  return {
    id: `evt_${randomUUID()}`,
    type: `customer.${change}`,
    subject: {
      catalog: CUSTOMER,
      change,
      claims: null,
      previous: null,
      fields: { name: null, email: null },
      ...subject,
    },
    causedByKey: null,
    createdAt: 1_700_000_000,
    account: null,
    live: false,
    ...more,
  };
}

const say = (said: RemoteEvent, source: 'webhook' | 'poll' = 'webhook') =>
  hear(
    {
      store: bench().store,
      installation: INSTALLATION,
      fingerprint,
      policies: new Map([[CUSTOMER, policy]]),
    },
    connector,
    said,
    source,
  );

const linkOf = (id: RemoteId) => bench().store.links.findByRemote(STRIPE, CUSTOMER, id);
const queueLength = () => bench().value<number>('select count(*) from counterpart.work_queue');
const stored = async (said: RemoteEvent) =>
  (
    await bench().database.query('select result, record_id, source from counterpart.events where id = $1', [
      said.id,
    ])
  ).rows;

/** A record that is linked to an object, in any state of that link. */
async function linked(state: 'linked' | 'deleting' | 'retired' | 'void' = 'linked', detached = false) {
  const { link } = await openLink(bench());
  const id = nextRemote();
  await bench().store.links.writeFenced(link.id, link.fence, { state, remoteId: id, detached });
  return { link, remoteId: id };
}

/** A write of ours that replaced `replaced` there. */
async function wrote(
  linkId: number,
  replaced: Fields,
  kind: 'create' | 'update' | 'delete' = 'update',
): Promise<string> {
  const key = `${keyPrefix(INSTALLATION, STRIPE)}${randomUUID()}`;
  const replaces = Object.fromEntries(
    Object.entries(replaced).map(([field, value]) => [
      field,
      fingerprint(field, fields[field]!.canonical(value)),
    ]),
  );
  await bench().store.intents.openIntent({ key, linkId, kind, values: {}, replaces, version: 1 });
  return key;
}

describe('I3: our own deletion, told by its event', () => {
  const lostOf = async (linkId: number) =>
    (
      await bench().database.query(
        'select field, theirs, winner, cause from counterpart.conflicts where link_id = $1 order by field',
        [linkId],
      )
    ).rows;

  /** Deleted by us, when we had last read `read` there. */
  async function deletedAfterReading(read: Fields, state: 'deleting' | 'retired') {
    const { link, remoteId: id } = await linked(state);
    const key = await wrote(link.id, read, 'delete');
    await bench().store.intents.markSent(key, link.fence);
    if (state === 'retired') await bench().store.intents.endIntent(key, 'done', null);
    return { link, id };
  }

  test.each(['deleting', 'retired'] as const)(
    'an edit between our read and our DELETE is kept as lost, once, also told twice (link %s)',
    async (state) => {
      const { link, id } = await deletedAfterReading({ name: 'Ann', email: 'a@example.com' }, state);
      const gone = event({
        remoteId: id,
        change: 'deleted',
        fields: { name: 'Anna', email: 'a@example.com' },
      });
      await say(gone);
      await say(gone);
      expect(await lostOf(link.id)).toEqual([
        { field: 'name', theirs: 'Anna', winner: 'deletion', cause: 'edit_and_delete' },
      ]);
    },
  );

  test('what we had read is no loss, nor are values a server does not tell', async () => {
    const { link, id } = await deletedAfterReading({ name: 'Ann', email: 'a@example.com' }, 'retired');
    await say(event({ remoteId: id, change: 'deleted', fields: { name: 'Ann', email: null } }));
    expect(await lostOf(link.id)).toEqual([]);
  });
});

describe('failure 25: echoes', () => {
  test('I7: an event our own write caused is stored and nothing is queued', async () => {
    const { link, remoteId: id } = await linked();
    const key = await wrote(link.id, { name: 'Ann' });
    const change = { previous: { name: ' Ann ' }, fields: { name: 'Anna', email: null } };
    const said = event({ remoteId: id, ...change }, { causedByKey: key });
    expect(await say(said)).toBe('echo');
    expect(await stored(said)).toEqual([{ result: 'echo', record_id: link.recordId, source: 'webhook' }]);
    expect(await queueLength()).toBe(0);
  });

  test('after the intent has ended its event is an echo still', async () => {
    const { link, remoteId: id } = await linked();
    const key = await wrote(link.id, { name: 'Ann' });
    await bench().store.intents.endIntent(key, 'done', null);
    expect(await say(event({ remoteId: id, previous: { name: 'Ann' } }, { causedByKey: key }))).toBe('echo');
  });

  test('failure 18: the event of our create arrives before the call returns: an echo, and nothing is reserved', async () => {
    const { link } = await openLink(bench());
    const key = await wrote(link.id, {}, 'create');
    const id = nextRemote();
    expect(
      await say(event({ remoteId: id, change: 'created', claims: link.recordId }, { causedByKey: key })),
    ).toBe('echo');
    expect(await linkOf(id)).toBeNull();
  });

  test('I3: it replaced a value we had not seen: that value is recorded as the loser and a look is queued', async () => {
    const { link, remoteId: id } = await linked();
    const key = await wrote(link.id, { name: 'Ann' });
    const said = event(
      { remoteId: id, previous: { name: 'Anne' }, fields: { name: 'Anna', email: null } },
      { causedByKey: key },
    );
    expect(await say(said)).toBe('queued');
    const { rows } = await bench().database.query(
      'select field, ours, theirs, winner, cause from counterpart.conflicts where record_id = $1',
      [link.recordId],
    );
    expect(rows).toEqual([
      { field: 'name', ours: 'Anna', theirs: 'Anne', winner: 'local', cause: 'overwritten_unseen' },
    ]);
    expect(await bench().queued(link.recordId)).toMatchObject({ hint: 'webhook' });
    expect(await say(said)).toBe('repeated');
    expect(
      await bench().value('select count(*) from counterpart.conflicts where record_id = $1', [link.recordId]),
    ).toBe(1);
  });

  test('a previous value of a field we did not send is no loser of ours', async () => {
    const { link, remoteId: id } = await linked();
    const key = await wrote(link.id, { name: 'Ann' });
    const previous = { name: 'Ann', email: 'other@example.com' };
    expect(await say(event({ remoteId: id, previous }, { causedByKey: key }))).toBe('echo');
  });

  test('failure 51: a key of ours that is not in our books is a plain hint', async () => {
    const { link, remoteId: id } = await linked();
    const causedByKey = `${keyPrefix(INSTALLATION, STRIPE)}from-before-the-restore`;
    expect(await say(event({ remoteId: id }, { causedByKey }))).toBe('queued');
    expect(await bench().queued(link.recordId)).not.toBeNull();
  });

  test("failure 57: another installation's key is a hint like any other", async () => {
    const { link, remoteId: id } = await linked();
    expect(
      await say(event({ remoteId: id }, { causedByKey: keyPrefix('fedcba9876543210', STRIPE) + 'x' })),
    ).toBe('queued');
    expect(await bench().queued(link.recordId)).not.toBeNull();
  });

  test('the deletion of an object whose link is deleting is an echo', async () => {
    const { link, remoteId: id } = await linked('deleting');
    await wrote(link.id, {}, 'delete');
    expect(await say(event({ remoteId: id, change: 'deleted' }))).toBe('echo');
    expect(await queueLength()).toBe(0);
  });
});

describe('objects we know', () => {
  test('an edit there queues its record', async () => {
    const { link, remoteId: id } = await linked();
    expect(await say(event({ remoteId: id }), 'poll')).toBe('queued');
    expect(await bench().queued(link.recordId)).toMatchObject({ hint: 'poll' });
  });

  test('a deletion there is proven by its event', async () => {
    const { remoteId: id } = await linked();
    expect((await linkOf(id))!.remoteDeleted).toBe(false);
    expect(await say(event({ remoteId: id, change: 'deleted' }))).toBe('queued');
    expect((await linkOf(id))!.remoteDeleted).toBe(true);
  });

  test.each(['retired', 'void'] as const)(
    'failure 60: a late event of a %s object is stored and ignored',
    async (state) => {
      const { link, remoteId: id } = await linked(state);
      for (const change of ['created', 'updated', 'deleted'] as const) {
        const said = event({ remoteId: id, change });
        expect(await say(said)).toBe('retired');
        expect(await stored(said)).toMatchObject([{ result: 'retired', record_id: link.recordId }]);
      }
      expect(await queueLength()).toBe(0);
    },
  );

  test('a cut-off object that is deleted there cannot be taken up again', async () => {
    const { remoteId: id } = await linked('retired', true);
    expect(await say(event({ remoteId: id }))).toBe('retired');
    expect(await say(event({ remoteId: id, change: 'deleted' }))).toBe('queued');
    expect(await linkOf(id)).toMatchObject({ detached: false, remoteDeleted: true });
  });
});

describe('objects we do not know', () => {
  test('failure 17: one record id is reserved and queued', async () => {
    const id = nextRemote();
    expect(await say(event({ remoteId: id, change: 'updated' }))).toBe('queued');
    const link = (await linkOf(id))!;
    expect(link).toMatchObject({ state: 'reserved', born: 'remote' });
    expect(await bench().queued(link.recordId)).not.toBeNull();
  });

  test('failure 13: ten different events at once reserve one record id', async () => {
    const id = nextRemote();
    const results = await Promise.all(
      Array.from({ length: 10 }, () => say(event({ remoteId: id, change: 'created' }))),
    );
    expect(results).toEqual(Array.from({ length: 10 }, () => 'queued'));
    expect(await bench().value('select count(*) from counterpart.links where remote_id = $1', [id])).toBe(1);
    expect(await queueLength()).toBe(1);
  });

  test('I11 and failure 13: the same event ten times at once is taken in once', async () => {
    const id = nextRemote();
    const said = event({ remoteId: id, change: 'created' });
    const results = await Promise.all(Array.from({ length: 10 }, () => say(said)));
    expect(results.filter((result) => result === 'queued')).toHaveLength(1);
    expect(results.filter((result) => result === 'repeated')).toHaveLength(9);
    expect(await stored(said)).toHaveLength(1);
    expect(await queueLength()).toBe(1);
  });

  test('failure 59: deleted before our first look: void, nothing is queued, and late events of it are ignored', async () => {
    const id = nextRemote();
    expect(await say(event({ remoteId: id, change: 'deleted' }))).toBe('void');
    expect(await linkOf(id)).toMatchObject({ state: 'void', remoteDeleted: true });
    expect(await say(event({ remoteId: id, change: 'created' }))).toBe('retired');
    expect(await queueLength()).toBe(0);
  });

  test('failure 14: created, then deleted while only reserved: the look hears of the deletion', async () => {
    const id = nextRemote();
    await say(event({ remoteId: id, change: 'created' }));
    expect(await say(event({ remoteId: id, change: 'deleted' }))).toBe('queued');
    expect(await linkOf(id)).toMatchObject({ state: 'reserved', remoteDeleted: true });
  });

  test('failure 18: it claims a record whose create is open: that record is queued and nothing is reserved', async () => {
    const { link } = await openLink(bench());
    await wrote(link.id, {}, 'create');
    const id = nextRemote();
    expect(await say(event({ remoteId: id, change: 'created', claims: link.recordId }))).toBe('queued');
    expect(await bench().queued(link.recordId)).not.toBeNull();
    expect(await linkOf(id)).toBeNull();
  });

  test('failure 58: it claims a record without an open create: it is an object of its own', async () => {
    const { link } = await linked();
    const id = nextRemote();
    expect(await say(event({ remoteId: id, change: 'created', claims: link.recordId }))).toBe('queued');
    expect((await linkOf(id))!.recordId).not.toBe(link.recordId);
  });

  test('it claims a record nobody knows: it is an object of its own', async () => {
    const id = nextRemote();
    const claims: RecordId = await newId(bench());
    expect(await say(event({ remoteId: id, change: 'created', claims }))).toBe('queued');
    expect((await linkOf(id))!.recordId).not.toBe(claims);
  });
});

describe('failure 24: not meant for us', () => {
  test.each([
    ['another account', { account: 'acct_2' }],
    ['another mode', { live: true }],
  ])('an event of %s is stored as ignored and touches nothing', async (_, other) => {
    const { link, remoteId: id } = await linked();
    const said = event({ remoteId: id, change: 'deleted' }, other);
    expect(await say(said)).toBe('ignored');
    expect(await stored(said)).toMatchObject([{ result: 'ignored' }]);
    expect(await linkOf(id)).toMatchObject({ remoteDeleted: false });
    expect(await bench().queued(link.recordId)).toBeNull();
  });

  test('an event of our own account by name is heard', async () => {
    const { remoteId: id } = await linked();
    expect(await say(event({ remoteId: id }, { account: 'acct_1' }))).toBe('queued');
  });

  test('an event about something we do not sync is stored as ignored', async () => {
    const said = { ...event({ remoteId: nextRemote() }), type: 'invoice.paid', subject: null };
    expect(await say(said)).toBe('ignored');
    expect(await say(said)).toBe('repeated');
    expect(await queueLength()).toBe(0);
  });
});

test('failure 22: what could not be committed leaves nothing: no event, no reservation, no hint', async () => {
  const id = nextRemote();
  const said = event({ remoteId: id, change: 'created' }, { createdAt: Number.NaN });
  await expect(say(said)).rejects.toThrow();
  expect(await stored(said)).toEqual([]);
  expect(await linkOf(id)).toBeNull();
  expect(await queueLength()).toBe(0);
});

test('I16: an event is stored without any value', async () => {
  const said = event({
    remoteId: nextRemote(),
    fields: { name: 'Canary', email: 'canary@example.com' },
    previous: { name: 'Canaria' },
  });
  await say(said);
  const { rows } = await bench().database.query(
    'select to_jsonb(e)::text as text from counterpart.events e where id = $1',
    [said.id],
  );
  expect(JSON.stringify(rows)).not.toMatch(/canar/i);
});

test('I11, I15: a webhook of a record that an open transaction holds is stored, and its hint is owed', async () => {
  const record = await bench().insert({ name: 'Ann' });
  const { link } = await openLink(bench(), record);
  const remote = nextRemote();
  await bench().store.links.writeFenced(link.id, link.fence, { remoteId: remote, state: 'linked' });
  const short = openDatabase(bench().url, {
    max: 2,
    name: 'short of patience',
    lockTimeoutMs: 20,
    onIdleError: (error) => {
      throw error;
    },
  });
  const client = await bench().database.pool.connect();
  const owed = () => bench().value<number>('select count(*) from counterpart.owed_hints');
  try {
    await client.query('begin');
    await client.query('update counterpart.customers set name = name || $1', ['a']);
    const said = event({ remoteId: remote });
    const ports = { installation: INSTALLATION, fingerprint, policies: new Map([[CUSTOMER, policy]]) };
    const store = createStore(short);
    expect(await hear({ ...ports, store }, connector, said, 'webhook')).toBe('queued');
    expect(await hear({ ...ports, store }, connector, said, 'webhook')).toBe('repeated');
    expect([await stored(said), await owed()]).toMatchObject([[{ result: 'queued' }], 1]);
    await client.query('rollback');
  } finally {
    client.release();
    await short.close();
  }
  await bench().store.queue.placeOwed();
  expect([await owed(), await bench().queued(record)]).toMatchObject([0, { hint: 'webhook' }]);
});
