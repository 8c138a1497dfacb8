/** Laws of folding what stands there when no answer came. */
import { isDeepStrictEqual } from 'node:util';
import { foldUnanswered } from '../../../src/core/fold';
import { mergeFields } from '../../../src/core/merge';
import type { Base } from '../../../src/core/fields';
import { anyCall, folded } from './calls';
import type { Call, Folded } from './calls';
import { must } from './law';
import type { Family, Law } from './law';
import { alike, FIELDS } from './values';

interface Unanswered extends Omit<Folded, 'fold'> {
  readonly base: Base;
  readonly told: ReturnType<typeof foldUnanswered>;
}

const tellsEffect: Law<Unanswered> = {
  name: 'it took effect exactly if one field that was sent shows what was sent',
  hold({ sent, answered, told }) {
    const shows = Object.keys(sent).some((field) => alike(field, answered[field], sent[field]));
    must(told.tookEffect === shows, 'took effect', told);
  },
};

const onlySent: Law<Unanswered> = {
  name: 'a field that was not sent keeps its base, and every value agreed was sent or stands there',
  hold({ base, sent, answered, told }) {
    for (const field of FIELDS) {
      const [before, after] = [base[field], told.base[field]];
      if (!(field in sent)) must(isDeepStrictEqual(after, before), `${field} keeps its base`, told);
      if (isDeepStrictEqual(after, before) || after === undefined) continue;
      must(
        [sent[field], before?.ours].includes(after.ours),
        `${field} is agreed as it was sent or agreed`,
        told,
      );
      must(
        [sent[field], answered[field] ?? null].includes(after.theirs),
        `${field} as it stands there`,
        told,
      );
    }
  },
};

const againTheSame: Law<Unanswered> = {
  name: 'idempotent: folded again it says the same',
  hold({ sent, answered, ours, told, policy }) {
    const again = foldUnanswered(told.base, sent, answered, ours, policy);
    must(isDeepStrictEqual(again, told), 'the same', again);
  },
};

/** The five ways one field can look when its update's answer never came, and what the next look then does. */
const fieldByField: Law<Unanswered> = {
  name: 'failure 52: what shows ours is agreed, what shows the old stays due or was put back, a third value is never lost unsaid',
  hold({ base, sent, answered, ours, told, policy }) {
    if (ours === null) return;
    const next = mergeFields(told.base, ours, answered, policy);
    for (const field of Object.keys(sent)) {
      const [here, there] = [ours[field] ?? null, answered[field] ?? null];
      const loses = next.lost.some((one) => one.field === field);
      const way = field in next.pull ? 'pull' : field in next.push ? 'push' : 'none';
      const edited = !alike(field, here, sent[field]);
      if (alike(field, here, there)) must(way === 'none' && !loses, `${field} is equal: left alone`, next);
      else if (alike(field, there, sent[field]))
        must(way === 'push' && !loses, `${field} was edited since: sent`, next);
      else if (base[field] !== undefined && alike(field, there, base[field].theirs)) {
        const putBack = told.tookEffect;
        if (putBack)
          must(loses, `${field} was put back there or never arrived: one is lost, and said so`, next);
        else if (!alike(field, here, base[field].ours))
          must(way === 'push' && !loses, `${field} stays due`, next);
      } else if (base[field] !== undefined && (edited || !alike(field, here, base[field].ours))) {
        must(loses, `${field} shows a third value: one of the two is lost, and said so`, next);
      }
    }
  },
};

export const UNANSWERED: Family<Call, Unanswered> = {
  name: 'unanswered',
  sharePercent: 10,
  cases: anyCall,
  see(call, tally) {
    const { fold: _, ...seen } = folded(call);
    const told = foldUnanswered(seen.base, seen.sent, seen.answered, seen.ours, seen.policy);
    tally.note(told);
    return { ...seen, told };
  },
  laws: [tellsEffect, onlySent, againTheSame, fieldByField],
};
