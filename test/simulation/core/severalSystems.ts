/** One record at three systems, looked at in any order. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { foldAnswer } from '../../../src/core/fold';
import type { LostValue } from '../../../src/core/merge';
import { alsoHeld, heldBy, policyByRank } from '../../../src/core/rank';
import type { RankedBase } from '../../../src/core/rank';
import type { AgreedPair, Base, Fields, FieldValue, Policy } from '../../../src/core/fields';
import type { Tally } from './tally';
import { anyRules, FIELDS, VALUES, WRITINGS } from './values';
import type { FieldName, Rules } from './values';

export const SYSTEMS = [0, 1, 2] as const;
export type System = (typeof SYSTEMS)[number];
export type Place = System | 'here';

export interface Edit {
  readonly at: Place;
  readonly field: FieldName;
  readonly value: FieldValue;
}

export interface Several {
  readonly agreed: Fields;
  /** Where each agreed value had come from. */
  readonly from: Readonly<Record<FieldName, Place>>;
  readonly rules: Rules;
  /** Made on all sides before anybody looks. */
  readonly edits: readonly Edit[];
  /** Two orders in which the links are looked at first; then in turns until all is quiet. */
  readonly orders: readonly [readonly System[], readonly System[]];
}

const system = fc.constantFrom(...SYSTEMS);
const place = fc.constantFrom<Place>('here', 0, 1, 2);
/** One field more than the others, and few values: two systems that say the same against a third are the hard case. */
const anyField = fc.constantFrom<FieldName>('name', 'name', 'name', 'email', 'plan');
const fewValues: Record<FieldName, readonly FieldValue[]> = {
  name: WRITINGS.name.slice(0, 4).flatMap((ways) => ways.slice(0, 2)),
  email: VALUES.email,
  plan: VALUES.plan,
};
const anyEdit: fc.Arbitrary<Edit> = anyField.chain((field) =>
  fc.record({ at: place, field: fc.constant(field), value: fc.constantFrom(...fewValues[field]) }),
);
const anySequence = fc.array(system, { maxLength: 6 });

export const anySeveral: fc.Arbitrary<Several> = fc.record({
  agreed: fc.record({
    name: fc.constantFrom(...VALUES.name),
    email: fc.constantFrom(...VALUES.email),
    plan: fc.constantFrom(...VALUES.plan),
  }),
  from: fc.record({ name: place, email: place, plan: place }),
  rules: anyRules('local', 'remote', 'local', 'remote', 'ask'),
  edits: fc.array(anyEdit, { maxLength: 8 }),
  orders: fc.tuple(anySequence, anySequence),
});

interface State {
  readonly here: Fields;
  readonly there: readonly Fields[];
  readonly bases: readonly Base[];
  readonly lost: readonly LostValue[];
}

export interface Ended extends State {
  /** Rounds over all links until one of them wrote nothing. */
  readonly rounds: number;
}

export function agreedAt({ agreed, from }: Several, at: System): Base {
  const pair = (field: FieldName): AgreedPair => {
    const ours = agreed[field] ?? null;
    return { ours, theirs: ours, ...(from[field] === at ? { pulled: true as const } : {}) };
  };
  return Object.fromEntries(FIELDS.map((field) => [field, pair(field)]));
}

export function edited(several: Several, at: Place): Fields {
  const own = several.edits.filter((one) => one.at === at).map(({ field, value }) => [field, value] as const);
  return { ...several.agreed, ...Object.fromEntries(own) };
}

export function ranked(bases: readonly Base[], at: System): RankedBase[] {
  return SYSTEMS.filter((rank) => rank !== at).map((rank) => ({ rank, base: bases[rank] ?? {} }));
}

/** One look at one link, as activities do it: decided by rank, pulled values marked, the push answered honestly. */
function lookAt(state: State, at: System, policy: Policy, tally: Tally): State {
  const [base, there] = [state.bases[at] ?? {}, state.there[at] ?? {}];
  const held = heldBy(ranked(state.bases, at), state.here, policy);
  const local = { kind: 'edited', fields: state.here, version: 1 } as const;
  const decision = tally.decide(
    base,
    local,
    { kind: 'edited', fields: there },
    policyByRank(policy, held, at),
  );
  const { step } = decision;
  if (step.kind !== 'merge') throw new Error(`Two standing sides were decided as ${step.kind}`);
  const here = { ...state.here, ...step.pull };
  const marked = Object.keys(step.pull).map((field) => {
    const value = here[field] ?? null;
    return [field, { ours: value, theirs: value, pulled: true as const }] as const;
  });
  const next = {
    ...alsoHeld(base, step.base, { held, fields: here, policy }),
    ...Object.fromEntries(marked),
  };
  const sent = { ...there, ...step.push };
  const pushes = Object.keys(step.push).length > 0;
  const after = pushes ? foldAnswer(next, step.push, sent, here, policy).base : next;
  return {
    here,
    there: state.there.with(at, sent),
    bases: state.bases.with(at, after),
    lost: [...state.lost, ...step.lost.filter((one) => one.winner !== 'ask')],
  };
}

export const ROUNDS_MAX = 8;

export function end(several: Several, order: readonly System[], policy: Policy, tally: Tally): Ended {
  let state: State = {
    here: edited(several, 'here'),
    there: SYSTEMS.map((at) => edited(several, at)),
    bases: SYSTEMS.map((at) => agreedAt(several, at)),
    lost: [],
  };
  for (const at of order) state = lookAt(state, at, policy, tally);
  for (let rounds = 0; ; rounds += 1) {
    const before = state;
    for (const at of SYSTEMS) state = lookAt(state, at, policy, tally);
    const still = isDeepStrictEqual(
      [before.here, before.there, before.lost],
      [state.here, state.there, state.lost],
    );
    if (still || rounds === ROUNDS_MAX) return { ...state, rounds };
  }
}
