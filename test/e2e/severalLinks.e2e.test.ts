/** Three systems through the real workflows: Stripe over HTTP and two in memory; one of them stops answering. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { parseRecordId, trusted } from '../../src/core/ids';
import type { RecordId } from '../../src/core/ids';
import { readSync } from '../../src/store/syncState';
import type { MemorySystem } from '../../src/connectors/memory';
import { until } from '../environment/until';
import { startSeveralSystems } from './severalSystems';
import type { SeveralSystems } from './severalSystems';

/** The conditions of a story have shorter deadlines of their own, which name what was waited for. */
const STORY_MS = 150_000;

/** What a change takes at the most when all is well: a poll, a look, and room for a busy machine. */
const NORMAL_MS = 4_000;
/** Everything that waited is tried again within 15 s. */
const HEALED_MS = 30_000;
/** Five attempts, of which one may still hang for 8 s. */
const NAMED_MS = 45_000;

let it: SeveralSystems;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  it = await startSeveralSystems();
}, 90_000);

afterAll(() => it.close(), 60_000);

async function insert(name: string, id?: RecordId): Promise<RecordId> {
  const { rows } = await it.database.query<{ id: string }>(
    `insert into counterpart.customers (id, name, email) values (coalesce($1, counterpart.uuidv7()), $2, $3) returning id`,
    [id ?? null, name, mailOf(name)],
  );
  return trusted(parseRecordId(rows[0]!.id), 'record id');
}

const mailOf = (name: string) => `${name.toLowerCase().replaceAll(' ', '.')}@example.com`;

async function row(id: RecordId): Promise<{ name: string; email: string } | null> {
  const { rows } = await it.database.query<{ name: string; email: string }>(
    'select name, email from counterpart.customers where id = $1',
    [id],
  );
  return rows[0] ?? null;
}

async function states(id: RecordId): Promise<Record<string, string>> {
  const live = (await row(id)) !== null;
  const entries = (await readSync(it.database, [{ id, live }])).get(id) ?? [];
  return Object.fromEntries(entries.map(({ connection, state }) => [connection, state]));
}

async function inSync(id: RecordId): Promise<boolean> {
  return Object.values(await states(id)).every((state) => state === 'in_sync');
}

interface StripeCustomer {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
}

async function inStripe(email: string): Promise<StripeCustomer[]> {
  const list = (await it.stripe('GET', `/v1/customers?email=${encodeURIComponent(email)}`)) as {
    data: StripeCustomer[];
  };
  return list.data;
}

function having(system: MemorySystem, email: string) {
  return system.living().filter(([, object]) => object.fields['email'] === email);
}

function namesIn(system: MemorySystem, email: string): unknown[] {
  return having(system, email).map(([, object]) => object.fields['name']);
}

/** One customer with this name in each of the three. */
async function standsEverywhere(name: string, email: string): Promise<boolean> {
  const there = (await inStripe(email)).map((customer) => customer.name);
  return [there, namesIn(it.crm, email), namesIn(it.erp, email)].every(
    (names) => names.length === 1 && names[0] === name,
  );
}

async function everywhere(name: string): Promise<RecordId> {
  const id = await insert(name);
  await until('it stands everywhere', () => inSync(id));
  expect(await standsEverywhere(name, mailOf(name))).toBe(true);
  return id;
}

test(
  'I2: created here, it stands once in each of the three; born in one, it comes here and goes to the others',
  async () => {
    await everywhere('Ada');
    const email = mailOf('Grace');
    it.crm.plant({ name: 'Grace', email });
    await until('it stands everywhere', () => standsEverywhere('Grace', email), NORMAL_MS);
  },
  STORY_MS,
);

test(
  'an edit in Stripe reaches the two others, and an edit in one of them reaches Stripe',
  async () => {
    const id = await everywhere('Alan');
    const email = mailOf('Alan');
    const [there] = await inStripe(email);
    await it.stripe('POST', `/v1/customers/${there!.id}`, { name: 'Alan Turing' });
    await until('it reached the others', () => standsEverywhere('Alan Turing', email), NORMAL_MS);
    it.erp.edit(having(it.erp, email)[0]![0], { name: 'A. Turing' });
    await until('it reached the others', () => standsEverywhere('A. Turing', email), NORMAL_MS);
    await until('it is in sync', () => inSync(id));
  },
  STORY_MS,
);

test(
  'I12: the same field edited in two at once: the higher rank stands everywhere, the other value is kept',
  async () => {
    const id = await everywhere('Hedy');
    const email = mailOf('Hedy');
    it.erp.edit(having(it.erp, email)[0]![0], { name: 'Hedy of the ERP' });
    it.crm.edit(having(it.crm, email)[0]![0], { name: 'Hedy of the CRM' });
    await until('it stands everywhere', () => standsEverywhere('Hedy of the CRM', email), NORMAL_MS);
    const { rows } = await it.database.query(
      'select ours, theirs from counterpart.conflicts where record_id = $1',
      [id],
    );
    expect(JSON.stringify(rows)).toContain('Hedy of the ERP');
  },
  STORY_MS,
);

test(
  'I6: deleted in one, gone in all; restored, a new customer in each',
  async () => {
    const id = await everywhere('Edsger');
    const email = mailOf('Edsger');
    const old = having(it.erp, email)[0]![0];
    it.erp.erase(old);
    const gone = async () =>
      (await inStripe(email)).length + having(it.crm, email).length + having(it.erp, email).length === 0;
    await until('it is gone everywhere', gone, NORMAL_MS);
    await until('the deletion is confirmed', async () =>
      Object.values(await states(id)).every((state) => state === 'deleted'),
    );
    await insert('Edsger', id);
    await until('it stands everywhere', () => standsEverywhere('Edsger', email), NORMAL_MS);
    expect(having(it.erp, email)[0]![0]).not.toBe(old);
  },
  STORY_MS,
);

test(
  'failure 64 and I15: Stripe hangs while the two others are edited: they have both edits in the normal time, and it is named as what is waited for',
  async () => {
    const id = await everywhere('Barbara');
    const email = mailOf('Barbara');
    it.gate.stall();
    it.crm.edit(having(it.crm, email)[0]![0], { name: 'Barbara Liskov' });
    const mail = 'liskov@example.com';
    it.erp.edit(having(it.erp, email)[0]![0], { email: mail });
    const both = async () =>
      [it.crm, it.erp].every((system) => namesIn(system, mail)[0] === 'Barbara Liskov');
    await until('both edits stand in both', both, NORMAL_MS);

    // while Stripe's attempts at it are still under way
    await it.database.query(`update counterpart.customers set name = 'B. Liskov' where id = $1`, [id]);
    const again = async () => [it.crm, it.erp].every((system) => namesIn(system, mail)[0] === 'B. Liskov');
    await until('a change made here does not wait either', again, NORMAL_MS);
    const other = await insert('Niklaus');
    const reached = async () =>
      [it.crm, it.erp].every((system) => having(system, mailOf('Niklaus')).length === 1);
    await until('another record does not wait', reached, NORMAL_MS);

    const waiting = { stripe: 'waiting', crm: 'in_sync', erp: 'in_sync' };
    const named = async () => JSON.stringify(await states(id)) === JSON.stringify(sorted(waiting));
    it.gate.shut();
    await until('Stripe is named as what is waited for', named, NAMED_MS);
    it.gate.open();
    const healed = async () =>
      (await standsEverywhere('B. Liskov', mail)) && (await standsEverywhere('Niklaus', mailOf('Niklaus')));
    await until('Stripe has everything', healed, HEALED_MS);
    await until('all is in sync', async () => (await inSync(id)) && (await inSync(other)), HEALED_MS);
  },
  STORY_MS,
);

function sorted(record: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

test(
  'I7: everything looked at once more makes no write anywhere',
  async () => {
    const idle = async () => {
      const { rows } = await it.database.query('select 1 from counterpart.work_queue');
      return rows.length === 0;
    };
    await until('the queue is empty', idle, HEALED_MS);
    const written = [it.crm, it.erp].map((system) => system.writes().length);
    const before = await it.stripe('GET', '/_sim/requests?limit=10000');
    await it.database.query(
      `select counterpart.enqueue('customer', (select array_agg(id) from counterpart.customers), 'operator')`,
    );
    await until('the queue is empty', idle, HEALED_MS);
    expect([it.crm, it.erp].map((system) => system.writes().length)).toEqual(written);
    const after = await it.stripe('GET', '/_sim/requests?limit=10000');
    expect(mutations(after)).toBe(mutations(before));
  },
  STORY_MS,
);

function mutations(journal: unknown): number {
  const { data } = journal as { data: ReadonlyArray<{ method: string }> };
  return data.filter(({ method }) => method !== 'GET').length;
}
