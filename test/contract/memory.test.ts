/** The memory system keeps the contract of every connector; and what it alone promises: a clock of the test's, mishaps. */
import { randomUUID } from 'node:crypto';
import { describeConnector } from './describeConnector';
import { answered } from './stage';
import { INSTALLATION } from './stripeSettings';
import { CUSTOMER } from '../../src/catalogs/customer/customer';
import { createMemoryConnector, createMemorySystem, failureOf } from '../../src/connectors/memory';
import { parseConnectionName, parseRecordId, trusted } from '../../src/core/ids';
import type { MemorySystem } from '../../src/connectors/memory';
import type { Connector, RemoteCatalog } from '../../src/connectors/connector';
import type { RecordId } from '../../src/core/ids';

const CRM = trusted(parseConnectionName('crm'), 'connection name');
const CANARY = 'canary-5519';
const HOUR_MS = 3_600_000;

function connectTo(system: MemorySystem): Connector {
  return createMemoryConnector({ connection: CRM, installation: INSTALLATION, system });
}

describeConnector('memory/', async () => {
  const system = createMemorySystem({ name: CRM, clock: Date.now, nextId: randomUUID });
  system.refuses = (values) => (String(values['email']).includes('no address') ? 'email' : null);
  return {
    connector: connectTo(system),
    installation: INSTALLATION,
    catalog: CUSTOMER.name,
    remote: {
      createBare: async (fields, marks) => system.plant(fields, marks),
      edit: async (remoteId, fields) => system.edit(remoteId, fields),
      delete: async (remoteId) => system.erase(remoteId),
    },
    fields: ['name', 'email'],
    refused: { values: { name: CANARY, email: `${CANARY} is no address` }, canary: CANARY },
    identity: { account: 'account of crm', apiBase: 'memory:crm', mode: 'simulator' },
    stop: async () => undefined,
  };
});

describe('memory/ on request', () => {
  let now_ms: number;
  let system: MemorySystem;
  let customers: RemoteCatalog;
  let record: RecordId;
  const values = { name: 'Ada', email: 'ada@example.com' };
  const key = `cp_c0ffee00c0ffee00_crm_${randomUUID()}`;
  const found = () =>
    customers.findCreated({ key, recordId: record, since: now_ms / 1000, until: now_ms / 1000 });

  beforeEach(() => {
    let ids = 0;
    now_ms = 1_700_000_000_000;
    system = createMemorySystem({ name: CRM, clock: () => now_ms, nextId: () => `crm_${(ids += 1)}` });
    customers = connectTo(system).catalogs.get(CUSTOMER.name)!;
    record = trusted(parseRecordId(randomUUID()), 'record id');
  });

  test('a key is remembered for a day and forgotten after it: the same call then makes a second object', async () => {
    await customers.create(values, record, key);
    now_ms += 24 * HOUR_MS - 1;
    expect(await customers.create(values, record, key)).toMatchObject({ replayed: true });
    expect(system.living()).toHaveLength(1);
    now_ms += 1;
    expect(await customers.create(values, record, key)).toMatchObject({ replayed: false });
    expect(system.living()).toHaveLength(2);
  });

  test.each([
    ['down', failureOf('unavailable', { code: 'ECONNREFUSED' })],
    ['refusing the key', failureOf('unauthorized', { status: 401 })],
    ['at its limit', failureOf('rate-limited', { status: 429, retryAfterMs: 2_000 })],
  ])(
    'while it is %s every call says so and changes nothing; afterwards the same key succeeds',
    async (_, failure) => {
      const { remoteId } = answered(await customers.create(values, record, randomUUID()));
      const connector = connectTo(system);
      system.outage = failure;
      const calls = await Promise.all([
        connector.identify(),
        connector.listEvents!({ before: null, limit: 1 }),
        customers.read(remoteId),
        customers.create(values, record, key),
        customers.update(remoteId, { name: 'Grace' }, randomUUID()),
        customers.remove(remoteId),
        found(),
      ]);
      expect(calls).toEqual(calls.map(() => ({ kind: 'failed', failure })));
      system.outage = null;
      expect(system.living()).toMatchObject([[remoteId, { fields: values }]]);
      expect(await customers.create(values, record, key)).toMatchObject({
        kind: 'answered',
        replayed: false,
      });
    },
  );

  test('failure 1: the answer is lost after the create committed: the repeat replays, one object stands', async () => {
    system.fail('create', { failure: failureOf('unavailable'), when: 'after' });
    expect(await customers.create(values, record, key)).toMatchObject({ kind: 'failed' });
    expect(await customers.create(values, record, key)).toMatchObject({ kind: 'answered', replayed: true });
    expect(system.living()).toHaveLength(1);
  });

  test('failure 8: a failure that is stored under the key is given again, marked, and ends the intent', async () => {
    system.fail('create', {
      failure: failureOf('unavailable', { status: 500 }),
      when: 'before',
      stored: true,
    });
    const answers = [
      await customers.create(values, record, key),
      await customers.create(values, record, key),
    ];
    expect(answers).toMatchObject([
      { failure: { replayed: false, definite: false } },
      { failure: { replayed: true, definite: true } },
    ]);
    expect(system.living()).toEqual([]);
  });

  test('what it refuses it refuses again under the same key, and takes under another once it is mended', async () => {
    system.refuses = () => 'name';
    const refusal = { kind: 'failed', failure: { kind: 'rejected', param: 'name', definite: true } };
    expect(await customers.create(values, record, key)).toMatchObject(refusal);
    system.refuses = () => null;
    expect(await customers.create(values, record, key)).toMatchObject(refusal);
    expect(await customers.create(values, record, `${key}2`)).toMatchObject({ kind: 'answered' });
  });

  test('a value that it gives a form of its own is answered and listed in that form', async () => {
    system.form = (sent) => ({ ...sent, name: String(sent['name']).toUpperCase() });
    const { remoteId, fields } = answered(await customers.create(values, record, key));
    expect(fields).toEqual({ ...values, name: 'ADA' });
    expect(answered(await customers.read(remoteId))).toMatchObject({ object: { fields } });
  });

  test('what is hidden is gone and neither found nor deleted; shown again it is there', async () => {
    const { remoteId } = answered(await customers.create(values, record, key));
    system.hide(remoteId);
    expect(await customers.read(remoteId)).toMatchObject({ failure: { kind: 'gone' } });
    expect(answered(await found())).toEqual({ kind: 'absent' });
    system.show(remoteId);
    expect(answered(await customers.read(remoteId))).toMatchObject({ kind: 'present' });
  });

  test('paging back from an event it never had is refused, not taken for the end', async () => {
    const list = connectTo(system).listEvents!;
    expect(await list({ before: 'never', limit: 10 })).toMatchObject({ failure: { kind: 'rejected' } });
  });

  test('a call that is held has done its part and answers when it is let go', async () => {
    const held = system.hold('create');
    const creating = customers.create(values, record, key);
    await held.arrived;
    expect(system.living()).toHaveLength(1);
    held.release();
    expect(await creating).toMatchObject({ kind: 'answered' });
  });
});
