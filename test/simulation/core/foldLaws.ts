/** Laws of folding an answer, honest or altered. */
import { isDeepStrictEqual } from 'node:util';
import { foldAnswer } from '../../../src/core/fold';
import { equalsBase, mergeFields } from '../../../src/core/merge';
import { anyCall, folded } from './calls';
import type { Call, Folded } from './calls';
import { must } from './law';
import type { Family, Law } from './law';
import { alike, FIELDS, form } from './values';
import type { FieldName } from './values';

const agreesOnSent: Law<Folded> = {
  name: 'what was sent and came back is agreed as that pair, in their writing, and neither taken, lost nor dropped',
  hold({ sent, answered, fold }) {
    for (const [field, ours] of Object.entries(sent)) {
      if (!alike(field, ours, answered[field])) continue;
      must(
        isDeepStrictEqual(fold.base[field], { ours, theirs: answered[field] }),
        `${field} is agreed`,
        fold,
      );
      must(
        !(field in fold.take) && !fold.lost.some((one) => one.field === field),
        `${field} is left alone here`,
        fold,
      );
      must(!fold.dropped.includes(field), `${field} is not dropped`, fold);
    }
  },
};

const unsentStays: Law<Folded> = {
  name: 'a field that was not sent changes nothing; a value there that is not the agreed one asks for another look',
  hold({ base, sent, answered, fold, policy }) {
    for (const field of FIELDS) {
      if (field in sent) continue;
      const [pair, theirs] = [base[field], answered[field] ?? null];
      const bothEmpty = pair === undefined && form(field, theirs) === null;
      const wanted = bothEmpty ? { ours: null, theirs } : pair;
      must(isDeepStrictEqual(fold.base[field], wanted), `the base of ${field} stays`, fold);
      must(
        !(field in fold.take) && !fold.lost.some((one) => one.field === field),
        `${field} is left alone`,
        fold,
      );
      const unknown = !bothEmpty && (pair === undefined || !alike(field, pair.theirs, theirs));
      must(!unknown || fold.lookAgain, `${field} shows what nobody here knows: look again`, { policy, fold });
    }
  },
};

const takesOnce: Law<Folded> = {
  name: 'I4 and failure 55: their form is taken once, where the row still holds what was sent, and what it replaces is kept',
  hold({ sent, answered, ours, fold }) {
    for (const field of FIELDS) {
      const [mine, theirs] = [sent[field], answered[field] ?? null];
      const altered = mine !== undefined && !alike(field, mine, theirs) && form(field, theirs) !== null;
      const untouched = ours !== null && alike(field, ours[field], mine);
      must(field in fold.take === (altered && untouched), `${field} is taken exactly then`, fold);
      if (!(field in fold.take)) continue;
      must(fold.take[field] === theirs, `${field} is taken as it stands there`, fold);
      const kept = fold.lost.filter((one) => one.field === field);
      must(
        kept.length === 1 && kept[0]?.ours === mine && kept[0]?.theirs === theirs,
        `what ${field} replaces is kept`,
        fold,
      );
      must(
        isDeepStrictEqual(fold.base[field], { ours: theirs, theirs }),
        `${field} is agreed as taken`,
        fold,
      );
    }
  },
};

const lookAgainMeans: Law<Folded> = {
  name: 'I7: no other look is asked for only where it would find nothing to do',
  hold({ base, sent, answered, ours, fold, policy }) {
    const droppedNow = FIELDS.filter((field) => {
      const pair = fold.base[field];
      return pair !== undefined && form(field, pair.ours) !== null && form(field, pair.theirs) === null;
    });
    must(isDeepStrictEqual(fold.dropped, droppedNow), 'what was dropped is named', fold);
    if (ours === null) return must(fold.lookAgain, 'a record deleted meanwhile is looked at again', fold);
    // An altered value that was not taken is taken by the decision before any call.
    const untaken = (field: FieldName) =>
      !(field in sent) && !alike(field, base[field]?.ours, base[field]?.theirs);
    if (FIELDS.some(untaken)) return;
    const after = { ...ours, ...fold.take };
    const next = mergeFields(fold.base, after, answered, policy);
    const nothing = Object.keys({ ...next.pull, ...next.push }).length === 0 && next.lost.length === 0;
    must(fold.lookAgain || (nothing && equalsBase(fold.base, after, policy)), 'nothing is left to do', next);
  },
};

const foldedTwice: Law<Folded> = {
  name: 'idempotent: an answer folded twice leaves the next look as little to do as folded once',
  hold({ sent, answered, ours, fold, policy }) {
    const after = ours === null ? null : { ...ours, ...fold.take };
    const twice = foldAnswer(fold.base, sent, answered, after, policy);
    must(Object.keys(twice.take).length === 0 && twice.lost.length === 0, 'nothing is taken twice', twice);
    if (after === null) return;
    const [one, two] = [fold, twice].map(({ base }) => mergeFields(base, after, answered, policy));
    must(
      isDeepStrictEqual([one?.pull, one?.push, one?.lost], [two?.pull, two?.push, two?.lost]),
      'the same is due',
      two,
    );
  },
};

const notDisputed: Law<Folded> = {
  name: 'failures 32, 52 and 53: whatever the row has become, our own write is never pulled over it nor held against it',
  hold({ sent, answered, ours, fold, policy }) {
    if (ours === null) return;
    const after = { ...ours, ...fold.take };
    const next = mergeFields(fold.base, after, answered, policy);
    for (const field of Object.keys(sent)) {
      must(
        !(field in next.pull) && !next.lost.some((one) => one.field === field),
        `${field} is not undone`,
        next,
      );
      const edited = !alike(field, after[field], sent[field]) && !(field in fold.take);
      const due = edited && !alike(field, after[field], answered[field]);
      must(field in next.push === due, `${field} is sent exactly when it was edited since`, next);
    }
  },
};

export const ANSWERS: Family<Call, Folded> = {
  name: 'answers',
  sharePercent: 20,
  cases: anyCall,
  see(call, tally) {
    const seen = folded(call);
    tally.note(seen.fold);
    return seen;
  },
  laws: [agreesOnSent, unsentStays, takesOnce, lookAgainMeans, foldedTwice, notDisputed],
};
