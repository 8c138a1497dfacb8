/** The whole engine in its simulated world: a few plans, quickly. `npm run sim` runs thousands. */
import { planOf } from '../world/draw';
import { judge } from '../world/oracle';
import { CALM, makePlan, PLAIN } from '../world/plan';
import type { Act, Citizen, Plan } from '../world/plan';
import { storyPlans } from '../world/stories';
import { drive } from './drive';

jest.mock('@temporalio/workflow', () => jest.requireActual('./workflow'));

const ANN: Citizen = {
  who: 0,
  stands: 'here',
  at: 'stripe',
  fields: { name: 'Canary', email: 'canary@example.com' },
  theirs: { name: 'Canary', email: 'canary@example.com' },
};

function planWith(population: readonly Citizen[], acts: readonly Act[]): Plan {
  return {
    ...makePlan(1),
    weather: 'calm',
    connections: [{ ...PLAIN, name: 'stripe' }],
    onConflict: 'local',
    onDelete: 'propagate',
    deleteGuard: null,
    workers: ['A', 'B'],
    rates: CALM,
    held: false,
    population,
    acts,
  };
}

test('a customer written here arrives at the remote, under the scheduler, and then all is quiet', async () => {
  const plan = planWith([ANN], []);
  const outcome = await drive(plan);
  expect(judge(plan, outcome)).toEqual([]);
  expect(outcome).toMatchObject({ came: 'rest', violations: [] });
  const [system] = outcome.remotes.systems;
  expect(system?.living().map(([, { fields }]) => fields)).toEqual([ANN.fields]);
  expect(outcome.runs.length).toBeGreaterThan(0);
  expect(outcome.runs.every(({ ending }) => ending === 'completed')).toBe(true);
});

test('failure 2: the process that has the call in hand dies between the answer and the record of it: one customer stands there', async () => {
  const when = { kind: 'call', connection: 'stripe', operation: 'create', nth: 1, phase: 'done' } as const;
  const plan = planWith(
    [ANN],
    [
      { when, deed: { kind: 'kill', process: 'A', for_ms: 500 } },
      { when, deed: { kind: 'kill', process: 'B', for_ms: 500 } },
    ],
  );
  const outcome = await drive(plan);
  expect(judge(plan, outcome)).toEqual([]);
  expect(outcome.tally.crashes).toBe(2);
  expect(outcome.remotes.systems[0]?.living()).toHaveLength(1);
});

test('I12: the same plan is the same run, turn by turn; another order of things is another run', async () => {
  const plan = makePlan(4);
  const one = await drive(plan);
  const two = await drive(plan);
  const other = await drive({ ...plan, schedule: 5 });
  expect(two.hash).toBe(one.hash);
  expect(other.hash).not.toBe(one.hash);
});

test('two runs at once in one thread are refused: their microtasks would mix', async () => {
  const first = drive(planWith([ANN], []));
  await expect(drive(planWith([ANN], []))).rejects.toThrow('One run at a time');
  await first;
});

test('a death at a boundary that was named: the run comes to rest all the same', async () => {
  const plan = planWith([ANN], []);
  const { tally } = await drive(plan);
  expect(tally.boundaries).toBeGreaterThan(20);
  const outcome = await drive(plan, { diesAt: Math.floor(tally.boundaries / 3) });
  expect(outcome.tally.crashes).toBe(1);
  expect(judge(plan, outcome)).toEqual([]);
});

test('I16: what is said in logs and crosses into histories is listened to, and holds no value', async () => {
  const plan = planWith([ANN], []);
  const { spoken } = await drive(plan, { listens: true });
  expect(spoken.length).toBeGreaterThan(3);
  expect(spoken.join('\n').toLowerCase()).not.toContain('canary');
});

test('I7: it is swept after the rest when late lists show all that stands there: a value refused elsewhere is not sent again', async () => {
  const refused = { ...ANN, fields: { ...ANN.fields, name: 'Canary #' } };
  const stripe = { ...PLAIN, name: 'stripe', refuses: true } as const;
  const crm = { ...PLAIN, name: 'crm', listLag_ms: 3_400 } as const;
  const plan = { ...planWith([refused], []), connections: [stripe, crm] };
  const outcome = await drive(plan);
  expect(judge(plan, outcome)).toEqual([]);
  expect(outcome.remotes.systems.map((system) => system.living().length)).toEqual([0, 1]);
});

test('the named stories and twenty seeds hold to every invariant', async () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => makePlan(seed + 1));
  for (const plan of [...storyPlans(), ...seeds]) {
    const outcome = await drive(plan);
    const found = outcome.violations.length > 0 ? outcome.violations : judge(plan, outcome);
    expect({ name: plan.name, seed: plan.seed, found }).toEqual({
      name: plan.name,
      seed: plan.seed,
      found: [],
    });
  }
});

test('I2, failure 1: customers of whose creation nobody hears, in a few worlds made of nothing else: none is made twice', async () => {
  let [doubts, made] = [0, 0];
  for (let seed = 1; seed <= 8; seed += 1) {
    const plan = planOf('doubts', seed);
    const outcome = await drive(plan);
    expect(judge(plan, outcome)).toEqual([]);
    doubts += outcome.tally.doubts;
    made += outcome.tally.doubtsMade;
  }
  expect(doubts).toBeGreaterThan(30);
  expect(made).toBeGreaterThan(20);
});
