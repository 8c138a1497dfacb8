import { i12Determinism, i8Order } from './oracle';
import { i1Convergence } from './oracle/converged';
import { i15Isolation } from './oracle/isolation';
import { i3NothingLost } from './oracle/kept';
import { i14Liveness } from './oracle/queued';
import { inSync } from './oracle/scene-for-tests';

const NAME_B = { name: 'Canary B' };
const NAME_C = { name: 'Canary C' };

describe('what is not lost', () => {
  test('I3: both edited, and theirs is kept', () => {
    const scene = inSync().write('update', NAME_B).editThere(NAME_C).see().push('key_2', NAME_B);
    expect(scene.lose('name', 'Canary B', 'Canary C').judged(i3NothingLost)).toEqual([]);
  });

  test('I3: the later edit here is sent over what had come from there', () => {
    const scene = inSync().editThere(NAME_C).pull(NAME_C).write('update', NAME_B).see().push('key_2', NAME_B);
    expect(scene.judged(i3NothingLost)).toEqual([]);
  });

  test('I3: the window: edited there after our reading, where events do not tell what stood before', () => {
    const scene = inSync().write('update', NAME_B).see().editThere(NAME_C).push('key_2', NAME_B);
    expect(scene.judged(i3NothingLost)).toHaveLength(1);
    const [stripe] = scene.plan.connections;
    scene.plan = { ...scene.plan, connections: [{ ...stripe!, tellsPrevious: false }] };
    expect(scene.judged(i3NothingLost)).toEqual([]);
    scene.see().editThere(NAME_C).see().push('key_3', NAME_B);
    expect(scene.judged(i3NothingLost)).toHaveLength(1);
  });

  test('I3: emptied there before we saw it first, where there is no event list to tell what was made', () => {
    const scene = inSync().editThere({ name: null }).see().write('update', NAME_B).push('key_2', NAME_B);
    expect(scene.judged(i3NothingLost)).toHaveLength(1);
    const [stripe] = scene.plan.connections;
    scene.plan = { ...scene.plan, connections: [{ ...stripe!, hasEventList: false }] };
    expect(scene.judged(i3NothingLost)).toEqual([]);
    const seen = inSync().see().editThere({ name: null }).write('update', NAME_B).push('key_2', NAME_B);
    seen.plan = scene.plan;
    expect(seen.judged(i3NothingLost)).toHaveLength(1);
  });

  test('I3: an edit to and fro is lost where it was never sent', () => {
    const scene = inSync().write('update', NAME_B).write('update', { name: 'Canary A' });
    expect(scene.judged(i3NothingLost)).toEqual([]);
  });
});

describe('what may be set aside', () => {
  test('I1, I14: a question to a person, while the two differ', () => {
    const scene = inSync().write('update', NAME_B).editThere(NAME_C);
    scene.plan = { ...scene.plan, onConflict: 'ask' };
    scene.lose('name', 'Canary B', 'Canary C', { winner: 'ask' });
    scene.relink({ outcome: 'parked', reason: { code: 'conflict', field: 'name', detail: null } });
    expect([...scene.judged(i1Convergence), ...scene.judged(i14Liveness)]).toEqual([]);
    scene.editThere({ email: 'canary.c@example.com' });
    expect(scene.judged(i1Convergence)).toHaveLength(1);
  });

  test('I1, I14: refused data, where it is refused', () => {
    const scene = inSync().write('update', { name: 'Canary #' });
    scene.relink({ outcome: 'parked', reason: { code: 'rejected', field: 'name', detail: 'value_refused' } });
    expect(scene.judged(i14Liveness)).toHaveLength(1);
    scene.plan = { ...scene.plan, connections: [{ ...scene.plan.connections[0]!, refuses: true }] };
    expect([...scene.judged(i1Convergence), ...scene.judged(i14Liveness)]).toEqual([]);
  });
});

test('I15: what was written here took a minute to a system to which nothing had happened, while the other was away', () => {
  const scene = inSync();
  const [stripe] = scene.plan.connections;
  const outage = { kind: 'outage', connection: 'crm', how: 'silent', for_ms: 60_000 } as const;
  scene.plan = {
    ...scene.plan,
    connections: [stripe!, { ...stripe!, name: 'crm' }],
    acts: [{ when: { kind: 'at', ms: 0 }, deed: outage }],
  };
  scene.write('update', NAME_B).push('key_2', NAME_B);
  expect(scene.judged(i15Isolation)).toEqual([]);
  Object.assign(scene.effects.at(-1)!, { at_ms: 60_000 });
  expect(scene.judged(i15Isolation).join()).toMatch(/took \d+ ms to stripe/);
});

describe('what two runs must have in common', () => {
  test('I8: the same writes come to the same end, whatever was heard first', () => {
    const [one, other] = [inSync().write('update', NAME_B).see().push('key_2', NAME_B), inSync()];
    expect(i8Order(one.facts(), one.facts())).toEqual([]);
    expect(i8Order(one.facts(), other.facts())).toEqual([
      'only in one order: here: Canary B, canary.a@example.com',
      'only in one order: stripe: Canary B, canary.a@example.com',
      'only in the other order: here: Canary A, canary.a@example.com',
      'only in the other order: stripe: Canary A, canary.a@example.com',
    ]);
  });

  test('I12: the same seed is the same history', () => {
    const tally = { steps: 7 };
    expect(i12Determinism({ hash: 'a', tally }, { hash: 'a', tally })).toEqual([]);
    expect(i12Determinism({ hash: 'a', tally }, { hash: 'b', tally })).toEqual([
      'the same seed gave two histories: a with 7 steps, b with 7',
    ]);
  });
});
