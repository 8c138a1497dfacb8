import { CUSTOMER } from '../../../src/catalogs/customer/customer';
import type { RemoteCatalog } from '../../../src/connectors/connector';
import { parseConnectionName, trusted } from '../../../src/core/ids';
import type { Turns } from '../engine/ports';
import type { CallMoment } from './calls';
import { chanceOf } from './chance';
import type { Delivery } from './deliveries';
import { CALM, recordOf } from './plan';
import type { Fault, Plan, PlannedConnection, Rates } from './plan';
import { createRemotes } from './remotes';
import type { Remotes } from './remotes';
import { ANN, both, name, planOfStory } from './story';

const KEY = 'cp_0123456789abcdef_stripe_1';

interface Bench {
  readonly remotes: Remotes;
  readonly records: RemoteCatalog;
  readonly deliveries: Delivery[];
  readonly labels: string[];
  readonly moments: CallMoment[];
  /** Lets what the remotes do later be done now. */
  later(): Promise<void>;
}

/** One process whose turns come at once; what the remotes do by themselves waits to be asked for. */
function bench(traits: Partial<PlannedConnection> = {}, rates: Rates = CALM): Bench {
  const plan: Plan = { ...planOfStory({ name: 'a bench', acts: [], stripe: traits }, 0), rates };
  const deliveries: Delivery[] = [];
  const labels: string[] = [];
  const moments: CallMoment[] = [];
  const waiting: Array<() => void> = [];
  let now_ms = 1_000_000_000;
  const turns: Turns = {
    turn: (label) => Promise.resolve(void labels.push(label)),
    sleep(ms, label) {
      now_ms += ms;
      return Promise.resolve(void labels.push(label));
    },
  };
  const own: Turns = { ...turns, sleep: () => new Promise((resolve) => waiting.push(resolve)) };
  const remotes = createRemotes({
    plan,
    installation: '0123456789abcdef',
    chance: chanceOf(1),
    clock: { now_ms: () => now_ms },
    step: () => labels.length,
    own,
    deliver: (delivery) => void deliveries.push(delivery),
    onMoment(moment) {
      moments.push(moment);
      return null;
    },
    onFault: () => undefined,
    onError(error) {
      throw error;
    },
  });
  const stripe = trusted(parseConnectionName('stripe'), 'connection name');
  const records = remotes.connectors(turns).get(stripe)?.catalogs.get(CUSTOMER.name);
  if (records === undefined) throw new Error('The bench has no catalog');
  const later = async (): Promise<void> => {
    for (const resolve of waiting.splice(0)) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { remotes, records, deliveries, labels, moments, later };
}

const meet = ({ remotes }: Bench, fault: Fault): void =>
  remotes.order({ kind: 'fault', connection: 'stripe', operation: 'create', fault });

const create = ({ records }: Bench) => records.create(both('a'), recordOf(ANN), KEY);
const living = ({ remotes }: Bench): number => remotes.systems[0]?.living().length ?? 0;

test('a call takes a turn before its effect and one after it, and is in the ledger', async () => {
  const at = bench();
  expect((await create(at)).kind).toBe('answered');
  expect(at.labels).toEqual(['stripe.create arrives', 'stripe.create answers']);
  expect(at.moments.map(({ phase }) => phase)).toEqual(['arriving', 'done']);
  expect(at.remotes.ledger.effects).toMatchObject([
    { by: 'us', does: 'create', key: KEY, applied: true, replayed: false, before: null, after: both('a') },
  ]);
});

test.each<[Fault, number, string]>([
  ['answer lost', 1, 'unavailable'],
  ['never arrives', 0, 'unavailable'],
  ['stored 500 before', 0, 'unavailable'],
  ['stored 500 after', 1, 'unavailable'],
  ['plain 500', 0, 'unavailable'],
  ['409', 0, 'stale'],
  ['429', 0, 'rate-limited'],
  ['lock_timeout', 0, 'rate-limited'],
])('%s: %i objects were made, and the caller sees %s', async (fault, made, kind) => {
  const at = bench();
  meet(at, fault);
  expect(await create(at)).toMatchObject({ kind: 'failed', failure: { kind, definite: false } });
  expect(living(at)).toBe(made);
});

test.each<Fault>(['hangs', 'late commit'])('%s: done only after the caller gave up', async (fault) => {
  const at = bench();
  meet(at, fault);
  expect((await create(at)).kind).toBe('failed');
  expect(living(at)).toBe(0);
  await at.later();
  expect(living(at)).toBe(1);
});

test('failure 12: an attempt that finishes after its retry changes nothing more', async () => {
  const at = bench();
  meet(at, 'late commit');
  await create(at);
  expect((await create(at)).kind).toBe('answered');
  await at.later();
  expect(living(at)).toBe(1);
  expect(at.remotes.ledger.effects.map(({ applied, replayed }) => [applied, replayed])).toEqual([
    [true, false],
    [false, true],
  ]);
});

test('failure 8: a stored 500 is given again, marked, and ends the intent', async () => {
  const at = bench();
  meet(at, 'stored 500 after');
  await create(at);
  expect(await create(at)).toMatchObject({ kind: 'failed', failure: { replayed: true, definite: true } });
  expect(living(at)).toBe(1);
});

test('an outage ends by itself, and healing ends all', async () => {
  const at = bench();
  at.remotes.order({ kind: 'outage', connection: 'stripe', how: 'silent', for_ms: 3_600_000 });
  expect((await create(at)).kind).toBe('failed');
  at.remotes.heal();
  expect((await create(at)).kind).toBe('answered');
});

describe('events', () => {
  const rates = (events: Partial<Rates['events']>): Rates => ({
    ...CALM,
    events: { ...CALM.events, ...events },
  });
  const born = { kind: 'plant there', connection: 'stripe', who: ANN, fields: both('a') } as const;

  test('one for what a person does, with what stood there before', () => {
    const { remotes, deliveries } = bench();
    remotes.perform(born);
    remotes.perform({ kind: 'edit there', connection: 'stripe', who: ANN, fields: name('b') });
    expect(deliveries.map(({ event }) => event.type)).toEqual(['customer.created', 'customer.updated']);
    expect(deliveries[1]?.event.subject?.previous).toEqual(name('a'));
  });

  test('without cause and previous where the system does not tell them', async () => {
    const at = bench({ tellsCause: false, tellsPrevious: false });
    await create(at);
    at.remotes.perform({ kind: 'edit there', connection: 'stripe', who: ANN, fields: name('b') });
    expect(at.deliveries.map(({ event }) => [event.causedByKey, event.subject?.previous])).toEqual([
      [null, null],
      [null, null],
    ]);
  });

  test('failure 13: doubled; failure 16: dropped, and where there is no event list handed over in the end', () => {
    const twice = bench({}, rates({ doubled: 1 }));
    twice.remotes.perform(born);
    expect(twice.deliveries).toHaveLength(2);
    const never = bench({ hasEventList: false }, rates({ dropped: 1 }));
    never.remotes.perform(born);
    expect(never.deliveries).toHaveLength(0);
    never.remotes.heal();
    expect(never.deliveries).toHaveLength(1);
  });
});

test('people meet the same form and the same refusals as we do', () => {
  const { remotes } = bench({ form: 'shortens names', refuses: true });
  const fields = { name: 'Canary A of a long line', email: null };
  expect(remotes.perform({ kind: 'plant there', connection: 'stripe', who: ANN, fields })).toMatchObject({
    fate: 'ok',
    fields: { name: 'Canary A of' },
  });
  const refused = {
    kind: 'edit there',
    connection: 'stripe',
    who: ANN,
    fields: { name: 'Canary #' },
  } as const;
  expect(remotes.perform(refused).fate).toBe('refused');
});
