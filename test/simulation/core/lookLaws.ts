/** Laws of one decision, done to its end. */
import { isDeepStrictEqual } from 'node:util';
import { DECISION_TABLE } from '../../../src/core/decisionTable';
import { equalsBase } from '../../../src/core/merge';
import { reconcile } from '../../../src/core/reconcile';
import type { LostValue } from '../../../src/core/merge';
import type { Decision } from '../../../src/core/reconcile';
import { must } from './law';
import type { Family, Law } from './law';
import { MERGE_LAWS } from './mergeLaws';
import { fieldsIn, isQuiet, lookAt, mergeOf, rest } from './oneLook';
import type { Rest } from './oneLook';
import { anyScene, isApart, isNewer, localOf, policyFor, remoteOf } from './scene';
import type { Scene } from './scene';
import { ASIDE } from './tally';
import { alike, FIELDS, form } from './values';
import type { FieldName } from './values';

/** A field that both sides left as it was after the remote had dropped our value: it stays here, and is not sent again. */
function wasDropped({ base, ours, theirs }: Scene, field: FieldName): boolean {
  const pair = base[field];
  if (pair === undefined || form(field, pair.theirs) !== null) return false;
  return alike(field, ours[field], pair.ours) && alike(field, theirs[field], null);
}

function decideScene(scene: Scene): Decision {
  const [local, remote] = scene.cell;
  return reconcile(scene.base, localOf(local, scene.ours), remoteOf(remote, scene.theirs), policyFor(scene));
}

const WAITS = new Set(['wait', 'park-missing']);

const converge: Law<Rest> = {
  name: 'I1 converge: both sides are equal field by field, or both are gone; what is parked or asked alone may differ',
  hold({ scene, first, looks, end }) {
    const { step } = first.decision;
    if (WAITS.has(step.kind)) return;
    // one look does everything, the next finds nothing to do; a generation that ends costs one more
    must(looks.length <= (step.kind === 'renew' ? 3 : 2), 'one look is enough', looks.length);
    const here = fieldsIn(end.record);
    const there = fieldsIn(end.object);
    if (step.kind === 'detach') return must(here === null, 'a cut link leaves nothing here');
    must((here === null) === (there === null), 'both stand or both are gone', end);
    if (here === null || there === null) return;
    const asks = mergeOf(first.decision)?.asks ?? [];
    for (const field of FIELDS) {
      const same = alike(field, here[field], there[field]);
      must(same || asks.includes(field) || wasDropped(scene, field), `${field} is equal on both sides`, end);
      must(same || !asks.includes(field) || here[field] === scene.ours[field], `${field} waits as it was`);
    }
  },
};

function recorded(
  lost: readonly LostValue[],
  field: string,
  side: 'ours' | 'theirs',
  value: unknown,
): boolean {
  return lost.some((one) => one.field === field && one[side] === value);
}

const keep: Law<Rest> = {
  name: 'I3 keep: a value newer than the base stands afterwards or is a recorded lost value, with what it lost against',
  hold({ scene, looks, end }) {
    const lost = looks.flatMap((look) => look.lost);
    const [local, remote] = scene.cell;
    const stood = {
      ours: local !== 'none' && local !== 'deleted',
      theirs: remote === 'created' || remote === 'edited',
    };
    const ends = [fieldsIn(end.record), fieldsIn(end.object)];
    for (const field of FIELDS) {
      for (const side of ['ours', 'theirs'] as const) {
        if (!stood[side] || !isNewer(scene, field, side)) continue;
        const value = scene[side][field] ?? null;
        // A tombstone remembers its values: what stood there and here alike is not lost with the object.
        const remembered =
          end.record.kind === 'tombstone' && side === 'theirs' && alike(field, scene.ours[field], value);
        const stands = ends.some((one) => one !== null && alike(field, one[field], value));
        must(stands || remembered || recorded(lost, field, side, value), `${side} of ${field} is kept`, {
          value,
          lost,
        });
      }
    }
  },
};

const honest: Law<Rest> = {
  name: 'I3 honest: what is recorded as lost stood there, differs from what won, and is recorded once',
  hold({ scene, first, looks, end }) {
    const lost = looks.flatMap((look) => look.lost).filter((one) => one.winner !== 'ask');
    must(new Set(lost.map((one) => one.field)).size === lost.length, 'a field loses once', lost);
    for (const one of lost) {
      const field = one.field as FieldName;
      const pair = scene.base[field] ?? { ours: null, theirs: null };
      const known = [scene.ours[field] ?? null, scene.theirs[field] ?? null, pair.ours, pair.theirs];
      must(known.includes(one.ours) && known.includes(one.theirs), `${field} lost what stood there`, one);
      if (one.winner === 'deletion') continue;
      must(!alike(field, one.ours, one.theirs), `${field} lost against another value`, one);
      const altered = one.cause === 'altered' && one.winner === 'remote' && isApart(scene, field);
      must(
        altered || one.winner === scene.rules.onConflict[field],
        `${field} was decided by its policy`,
        one,
      );
      const won = one.winner === 'local' ? one.ours : one.theirs;
      must(alike(field, fieldsIn(end.record)?.[field], won), `the winner of ${field} stands`, one);
    }
    for (const field of mergeOf(first.decision)?.asks ?? []) {
      must(
        scene.rules.onConflict[field as FieldName] === 'ask',
        `${field} is asked where the policy is to ask`,
      );
    }
  },
};

const silence: Law<Rest> = {
  name: 'I7 silence: after agreement a look decides nothing, and then nothing again',
  hold({ policy, looks, end }) {
    if (end.over === true) return;
    const last = looks.at(-1)!;
    must(isQuiet(last), 'the last look found nothing to do', last.decision);
    const again = lookAt(end, policy, ASIDE);
    must(
      isQuiet(again) && isDeepStrictEqual(again.after.base, end.base),
      'nor does the one after it',
      again.decision,
    );
  },
};

/** A link that has ended is looked at once more, as when a late event tells of its object. */
const noResurrection: Law<Rest> = {
  name: 'I6 no resurrection: nothing but a restore makes anything of a deleted record or object, and a restore holds',
  hold({ scene, policy, looks, end }) {
    const [local, remote] = scene.cell;
    for (const { decision, before, after } of looks) {
      const { kind } = decision.step;
      const makes = kind === 'create-local' || kind === 'create-remote' || kind === 'merge';
      must(!makes || before.record.kind !== 'tombstone', 'nothing is made of a tombstone', decision);
      must(!makes || before.object.kind !== 'deleted', 'nothing is made of a deleted object', decision);
      must(
        before.record.kind !== 'tombstone' || after.record.kind === 'tombstone',
        'a tombstone stays',
        after,
      );
      must(
        before.object.kind !== 'deleted' || after.record.kind !== 'live' || kind === 'renew',
        'deleted there is deleted here',
      );
    }
    const revived = remote === 'deleted' && fieldsIn(end.record) !== null;
    must(!revived || local === 'restored', 'only a restore outlives a deletion there', end);
    if (local === 'restored' && remote !== 'unknown')
      must(fieldsIn(end.record) !== null && fieldsIn(end.object) !== null, 'a restore holds', end);
    const { localKind: _, ...late } = end;
    const after = end.record.kind === 'tombstone' ? lookAt(late, policy, ASIDE).after : end;
    must(after.record.kind === end.record.kind, 'a late look revives nothing', after);
  },
};

const table: Law<Rest> = {
  name: 'the step is the one that its cell of the table names',
  hold({ scene, first: { decision } }) {
    const [local, remote] = scene.cell;
    const { verb, story } = DECISION_TABLE[local][remote];
    must(
      isDeepStrictEqual(decision.cell, { local, remote }) && decision.story === story,
      'its cell and story',
    );
    const cut = verb === 'delete-remote' && scene.rules.onDelete === 'detach';
    must(decision.step.kind === (cut ? 'detach' : verb), 'its verb', decision);
    if (decision.step.kind !== 'create-remote') return;
    const filled = FIELDS.filter((field) => form(field, scene.ours[field]) !== null);
    must(
      isDeepStrictEqual(Object.keys(decision.step.values), filled),
      'a creation sends what is filled',
      decision,
    );
  },
};

function frozen(scene: Scene): Scene {
  for (const part of [scene.base, scene.ours, scene.theirs, ...Object.values(scene.base)])
    Object.freeze(part);
  return scene;
}

const agreement: Law<Rest> = {
  name: 'equal to the base: every field was agreed and still says what was agreed here, and no more is asked',
  hold({ scene: { base, ours }, policy, end }) {
    const here = fieldsIn(end.record);
    for (const [pairs, fields] of [
      [base, ours],
      ...(here === null ? [] : [[end.base, here] as const]),
    ] as const) {
      const every = FIELDS.every((field) => {
        const pair = pairs[field];
        return pair !== undefined && alike(field, fields[field], pair.ours);
      });
      must(equalsBase(pairs, fields, policy) === every, 'just that', { pairs, fields });
    }
  },
};

const stable: Law<Rest> = {
  name: 'I12 stable: the same input gives the same decision, and no input is touched',
  hold({ scene, first }) {
    must(
      isDeepStrictEqual(decideScene(frozen(scene)), first.decision),
      'decided again, the same',
      first.decision,
    );
  },
};

const inventsNothing: Law<Rest> = {
  name: 'I4 no invention: every value written, sent, agreed or standing at the end was on one of the sides, of that field',
  hold({ scene, looks, end }) {
    const agreedValues = (field: FieldName) => Object.values(scene.base[field] ?? {});
    for (const field of FIELDS) {
      const sides = [scene.ours[field] ?? null, scene.theirs[field] ?? null, null];
      for (const { decision } of looks) {
        const { step } = decision;
        const written =
          step.kind === 'merge' ? [step.pull, step.push] : 'values' in step ? [step.values] : [];
        for (const one of written)
          must(sides.includes(one[field] ?? null), `${field} is written as it stood`, one);
      }
      for (const one of [fieldsIn(end.record), fieldsIn(end.object)]) {
        must(one === null || sides.includes(one[field] ?? null), `${field} stands as it stood`, one);
      }
      const pair = end.base[field];
      const known: unknown[] = [...sides, ...agreedValues(field)];
      must(
        pair === undefined || (known.includes(pair.ours) && known.includes(pair.theirs)),
        `${field} is agreed as it stood`,
        pair,
      );
    }
  },
};

export const LOOKS: Family<Scene, Rest> = {
  name: 'looks',
  sharePercent: 45,
  cases: anyScene,
  see(scene, tally) {
    const seen = rest(scene, tally);
    tally.note(seen.looks.map(({ decision, lost }) => [decision.step, lost]));
    return seen;
  },
  laws: [
    converge,
    keep,
    honest,
    silence,
    noResurrection,
    table,
    agreement,
    stable,
    inventsNothing,
    ...MERGE_LAWS,
  ],
};
