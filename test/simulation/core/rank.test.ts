import { runnable } from './family';
import { RANKS } from './rankLaws';
import { Tally } from './tally';

const RUNS_PER_LAW = 1_000;
const SEED = 20260103;
const ranks = runnable(RANKS);

describe('one record at three systems', () => {
  test.each(ranks.lawNames)('%s', (law) => {
    expect(() => ranks.run({ runs: RUNS_PER_LAW, seed: SEED, law }, new Tally())).not.toThrow();
  });
});
