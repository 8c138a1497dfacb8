/** Laws of the merge of two standing sides: symmetry, locality, and being cut off halfway. */
import { isDeepStrictEqual } from 'node:util';
import { foldUnanswered } from '../../../src/core/fold';
import { equalsBase, mergeFields } from '../../../src/core/merge';
import type { Base, Fields, Policy } from '../../../src/core/fields';
import { must } from './law';
import type { Law } from './law';
import { fieldsIn, lookAt, mergeOf, pulled, rest } from './oneLook';
import type { Merging, Rest, Sides } from './oneLook';
import { isApart, isNewer } from './scene';
import type { Scene } from './scene';
import { ASIDE } from './tally';
import { alike, FIELDS, formOf, policyOf, rewritten, rewrittenAll } from './values';

/** Where both stand when the push of a decision is on its way, under each of the three things that can become of it. */
function halfways(look: Rest['first'], step: Merging, policy: Policy): Array<{ name: string; sides: Sides }> {
  const half = pulled(look.before, step);
  const ours = fieldsIn(half.record) ?? {};
  const there = fieldsIn(half.object) ?? {};
  const sent = { ...there, ...step.push };
  const told = (name: string, theirs: Fields) => ({
    name,
    sides: {
      ...half,
      object: { kind: 'edited', fields: theirs } as const,
      base: foldUnanswered(half.base, step.push, theirs, ours, policy).base,
    },
  });
  return [
    { name: 'never sent', sides: half },
    told('sent, took effect, never answered', sent),
    told('sent, took no effect, never answered', there),
  ];
}

const partial: Law<Rest> = {
  name: 'stable halfway: cut off anywhere between decision and answer, it still ends with the same values and loses nothing more',
  hold({ policy, first, end }) {
    const step = mergeOf(first.decision);
    if (step === null || Object.keys(step.push).length === 0) return;
    for (const { name, sides } of halfways(first, step, policy)) {
      const next = lookAt(sides, policy, ASIDE);
      must(
        next.lost.every((one) => one.winner === 'ask'),
        `${name}: nothing more is lost`,
        next.lost,
      );
      for (const side of ['record', 'object'] as const) {
        const [got, want] = [fieldsIn(next.after[side]) ?? {}, fieldsIn(end[side]) ?? {}];
        must(isDeepStrictEqual(formOf(got), formOf(want)), `${name}: it ends the same`, { got, want });
      }
    }
  },
};

const FLIPPED = { local: 'remote', remote: 'local', ask: 'ask' } as const;

function mirrored(scene: Scene): Scene {
  const base: Base = Object.fromEntries(
    Object.entries(scene.base).map(([field, { ours, theirs }]) => [field, { ours: theirs, theirs: ours }]),
  );
  const { name, email, plan } = scene.rules.onConflict;
  const onConflict = { name: FLIPPED[name], email: FLIPPED[email], plan: FLIPPED[plan] };
  const [local, remote] = scene.cell;
  return {
    cell: [remote, local] as Scene['cell'],
    base,
    ours: scene.theirs,
    theirs: scene.ours,
    rules: { ...scene.rules, onConflict },
  };
}

const TWINS = new Set(['created', 'edited']);

const mirror: Law<Rest> = {
  name: 'mirror: with the sides swapped and the policy turned round, what was pulled is pushed and the same values win',
  hold({ scene, first, end }) {
    const step = mergeOf(first.decision);
    if (step === null || !scene.cell.every((kind) => TWINS.has(kind))) return;
    // only a remote alters and drops
    if (FIELDS.some((field) => isApart(scene, field))) return;
    const other = rest(mirrored(scene), ASIDE);
    const twin = mergeOf(other.first.decision);
    must(twin !== null, 'the mirrored table merges too');
    must(
      isDeepStrictEqual([twin.pull, twin.push, twin.asks], [step.push, step.pull, step.asks]),
      'pull and push change places',
      twin,
    );
    const swapped = twin.lost.map((one) => [
      one.field,
      one.theirs,
      one.ours,
      FLIPPED[one.winner as keyof typeof FLIPPED],
    ]);
    must(
      isDeepStrictEqual(
        swapped,
        step.lost.map((one) => [one.field, one.ours, one.theirs, one.winner]),
      ),
      'the same lose',
      swapped,
    );
    must(
      isDeepStrictEqual(formOf(fieldsIn(other.end.object) ?? {}), formOf(fieldsIn(end.record) ?? {})),
      'the same stand',
    );
  },
};

const sameChange: Law<Rest> = {
  name: 'same change: what both sides say alike is agreed in whatever writing; nothing is written, nothing lost',
  hold({ scene: { base, ours }, policy }) {
    for (const theirs of [ours, rewrittenAll(ours)]) {
      const merge = mergeFields(base, ours, theirs, policy);
      const nothing = Object.keys({ ...merge.pull, ...merge.push }).length === 0 && merge.lost.length === 0;
      const apart = Object.values(base).some((pair) => pair.ours !== pair.theirs);
      must(nothing, 'nothing is done', merge);
      must(apart || equalsBase(merge.base, ours, policy), 'it is agreed', merge);
    }
  },
};

const apart: Law<Rest> = {
  name: 'failure 26, each field by itself: the others change nothing about it, and only what changed is sent or taken',
  hold({ scene, policy, first: { decision } }) {
    const step = mergeOf(decision);
    if (step === null) return;
    for (const field of FIELDS) {
      const alone: Policy = { ...policy, fields: { [field]: policy.fields[field]! } };
      const only = (of: Fields) => (field in of ? { [field]: of[field] ?? null } : {});
      const merge = mergeFields(scene.base, only(scene.ours), only(scene.theirs), alone);
      must(
        isDeepStrictEqual([merge.pull, merge.push], [only(step.pull), only(step.push)]),
        `${field} alone`,
        merge,
      );
      must(isDeepStrictEqual(merge.base[field], step.base[field]), `the base of ${field} alone`, merge);
      const sent = field in step.push;
      const taken = field in step.pull;
      must(!(sent && taken), `${field} goes one way`);
      must(
        !sent || isNewer(scene, field, 'ours') || scene.base[field] === undefined,
        `${field} changed here, so it is sent`,
      );
      must(
        !taken || isNewer(scene, field, 'theirs') || scene.base[field] === undefined || isApart(scene, field),
        `${field} changed there, so it is taken`,
      );
      must(
        !(sent || taken) || !alike(field, scene.ours[field], scene.theirs[field]),
        `${field} is written to differ`,
      );
    }
  },
};

const writing: Law<Rest> = {
  name: 'failure 31, writing is no change: with every value written otherwise the same fields go the same way',
  hold({ scene, first: { decision } }) {
    const step = mergeOf(decision);
    if (step === null) return;
    const base: Base = Object.fromEntries(
      FIELDS.flatMap((field) => {
        const pair = scene.base[field];
        return pair === undefined
          ? []
          : [[field, { ours: rewritten(field, pair.ours), theirs: pair.theirs }] as const];
      }),
    );
    const policy = policyOf(scene.rules.onConflict, scene.rules.onDelete);
    const other = mergeFields(base, rewrittenAll(scene.ours), scene.theirs, policy);
    const names = (merge: Pick<Merging, 'pull' | 'push' | 'lost'>) => [
      Object.keys(merge.pull),
      Object.keys(merge.push),
      merge.lost.map((one) => one.field),
    ];
    must(isDeepStrictEqual(names(other), names(step)), 'the same fields', names(other));
  },
};

export const MERGE_LAWS: readonly Law<Rest>[] = [partial, mirror, sameChange, apart, writing];
