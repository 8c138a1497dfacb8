import { runnable } from './family';
import type { Happening, History } from './histories';
import { Tally } from './tally';
import { WORLDS } from './worldLaws';

const RUNS_PER_LAW = 1_000;
const SEED = 20260104;
const worlds = runnable(WORLDS);

describe('histories of one record on two sides, in any weather', () => {
  test.each(worlds.lawNames)('%s', (law) => {
    expect(() => worlds.run({ runs: RUNS_PER_LAW, seed: SEED, law }, new Tally())).not.toThrow();
  });
});

const LOCAL = { name: 'local', email: 'local', plan: 'local' } as const;
const BLANK = { name: null, email: null, plan: null };
const AGREED: History = {
  rules: { onConflict: LOCAL, onDelete: 'propagate' },
  shape: 'as written',
  start: 'agreed',
  values: BLANK,
  happenings: [],
  weather: [],
};
const LOOK = { kind: 'look', fate: 'answered', before: [], after: [] } as const satisfies Happening;
const UNANSWERED = { ...LOOK, fate: 'answer lost' } as const;
const UNSENT = { ...LOOK, fate: 'request lost' } as const;
const FORGOTTEN = { kind: 'key forgotten' } as const;

describe('histories that broke a law once', () => {
  test.each<[string, Partial<History>]>([
    [
      'failure 55: altered while the record was deleted here, then restored: no difference stays behind an agreement',
      {
        shape: 'shortens names',
        start: 'born here',
        values: { ...BLANK, name: 'Augusta' },
        happenings: [UNSENT, FORGOTTEN, { ...LOOK, after: [{ kind: 'delete here' }] }, { kind: 'restore' }],
      },
    ],
    [
      'failure 52: two edits never arrived, and one of them was made there by hand: the other is not undone unsaid',
      {
        values: { ...BLANK, plan: true },
        happenings: [
          { kind: 'edit here', values: { name: 'Ada', plan: null } },
          { ...UNSENT, before: [{ kind: 'edit there', values: { name: 'Ada' } }] },
          FORGOTTEN,
        ],
      },
    ],
    [
      'failure 52: two edits never arrived, one was made there by hand, then it was deleted there: the other is kept as lost',
      {
        happenings: [
          { kind: 'edit here', values: { name: 'Ada', email: 'ada@x.io' } },
          UNSENT,
          { kind: 'edit there', values: { name: 'Ada' } },
          FORGOTTEN,
          LOOK,
          { kind: 'delete there' },
        ],
      },
    ],
    [
      'failure 52: one of two values was dropped there and the answer was lost: it is not erased here unsaid',
      {
        shape: 'drops plans',
        happenings: [{ kind: 'edit here', values: { email: 'ann@x.io', plan: true } }],
        weather: ['answer lost', 'key forgotten'],
      },
    ],
    [
      'failure 60: restored, created anew without an answer, and deleted there since: it is not created a third time',
      {
        happenings: [
          { kind: 'delete here' },
          LOOK,
          { kind: 'restore' },
          UNANSWERED,
          { kind: 'delete there' },
          FORGOTTEN,
        ],
      },
    ],
    [
      'detached, deleted there, restored here: the restore holds',
      {
        rules: { onConflict: LOCAL, onDelete: 'detach' },
        happenings: [{ kind: 'delete here' }, LOOK, { kind: 'delete there' }, { kind: 'restore' }],
      },
    ],
  ])('%s', (_, history) => {
    const seen = WORLDS.see({ ...AGREED, ...history }, new Tally());
    expect(WORLDS.laws.length).toBeGreaterThan(5);
    for (const law of WORLDS.laws) expect(() => law.hold(seen)).not.toThrow();
  });
});
