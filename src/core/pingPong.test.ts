import { mergeFields } from './merge';
import { calm, SWINGS_MAX, SWINGS_WINDOW_S } from './pingPong';
import type { Calmed, FieldSwings } from './pingPong';
import type { Base, ConflictPolicy, Fields, Policy } from './fields';

function policyOf(onConflict: ConflictPolicy): Policy {
  const rule = { canonical: (value: unknown) => value as string | null, onConflict };
  return { fields: { name: rule, email: rule }, onDelete: 'propagate' };
}

/** Both sides as they stand, and what the sync remembers. */
interface Scene {
  ours: Fields;
  theirs: Fields;
  base: Base;
  swings: FieldSwings;
  now_s: number;
}

function scene(): Scene {
  const pair = { ours: 'Ann', theirs: 'Ann' };
  const fields = { name: 'Ann', email: 'Ann' };
  return { ours: fields, theirs: fields, base: { name: pair, email: pair }, swings: {}, now_s: 1_000 };
}

/** One look: what it pulls stands here then, what it pushes stands there. */
function look(at: Scene, policy = policyOf('local')): Calmed {
  const calmed = calm(mergeFields(at.base, at.ours, at.theirs, policy), at, policy);
  at.ours = { ...at.ours, ...calmed.pull };
  at.theirs = { ...at.theirs, ...calmed.push };
  at.swings = calmed.swings;
  const written = Object.keys(calmed.push).map((field) => {
    const value = at.ours[field] ?? null;
    return [field, { ours: value, theirs: value }];
  });
  at.base = { ...calmed.base, ...Object.fromEntries(written) };
  return calmed;
}

/** Automations put the same value back on their side whenever it is another. @returns writes until it stops */
function duel(at: Scene, policy = policyOf('local')): number {
  for (let writes = 0; writes < 50; writes += 1) {
    at.now_s += 1;
    if (writes % 2 === 0) at.ours = { ...at.ours, name: 'A' };
    else at.theirs = { ...at.theirs, name: 'B' };
    if (look(at, policy).stopped.length > 0) return writes;
  }
  return Infinity;
}

test('failure 30: two automations that put their own value back are stopped after a bounded number of writes', () => {
  const at = scene();
  expect(duel(at)).toBe(SWINGS_MAX + 1);
  const again = look(at);
  expect(again).toMatchObject({ stopped: ['name'], pull: {}, push: {} });
  expect(again.lost).toEqual([{ field: 'name', ours: 'A', theirs: 'B', winner: 'ask', cause: 'ping_pong' }]);
  expect(again.base).toEqual(at.base);
});

test.each(['local', 'remote'] as const)(
  'both rewrite it at the same time and %s wins: that is a swing too',
  (onConflict) => {
    const at = scene();
    const policy = policyOf(onConflict);
    let looks = 0;
    let stopped: readonly string[] = [];
    for (; looks < 50 && stopped.length === 0; looks += 1) {
      at.ours = { ...at.ours, name: `A${looks}` };
      at.theirs = { ...at.theirs, name: `B${looks}` };
      ({ stopped } = look(at, policy));
    }
    expect(looks).toBeLessThanOrEqual(SWINGS_MAX);
  },
);

test('a person who edits quickly on one side alone never trips it', () => {
  for (const side of ['ours', 'theirs'] as const) {
    const at = scene();
    for (let edits = 0; edits < 100; edits += 1) {
      at[side] = { ...at[side], name: `Ann ${edits}` };
      expect(look(at).stopped).toEqual([]);
    }
  }
});

test('a product that tidies up what comes in does not trip it by a few edits there', () => {
  const at = scene();
  for (const name of ['ann ', 'anna ', 'anne ']) {
    at.theirs = { ...at.theirs, name };
    expect(look(at).stopped).toEqual([]);
    at.ours = { ...at.ours, name: name.trim() };
    expect(look(at)).toMatchObject({ stopped: [], push: { name: name.trim() } });
  }
});

test('two people who correct each other now and then never trip it: a swing leaves the window', () => {
  const at = scene();
  for (let edits = 0; edits < 100; edits += 1) {
    at.now_s += Math.ceil(SWINGS_WINDOW_S / SWINGS_MAX);
    const side = edits % 2 === 0 ? 'ours' : 'theirs';
    at[side] = { ...at[side], name: `Ann ${edits}` };
    expect(look(at).stopped).toEqual([]);
  }
});

test('the other field of a stopped one goes on', () => {
  const at = scene();
  duel(at);
  at.ours = { ...at.ours, email: 'new@example.com' };
  expect(look(at)).toMatchObject({ stopped: ['name'], push: { email: 'new@example.com' } });
});

test('what is stopped stays stopped when the window is over, until the sides are alike or a person asks', () => {
  const at = scene();
  duel(at);
  at.now_s += 100 * SWINGS_WINDOW_S;
  expect(look(at).stopped).toEqual(['name']);
  const asked = { ...at, swings: {} };
  expect(look(asked).stopped).toEqual([]);
  at.theirs = { ...at.theirs, name: at.ours['name'] ?? null };
  expect(look(at).swings['name']?.stopped).toBeUndefined();
  at.ours = { ...at.ours, name: 'Later' };
  expect(look(at)).toMatchObject({ stopped: [], push: { name: 'Later' } });
});
