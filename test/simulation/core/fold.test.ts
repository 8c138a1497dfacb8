import { runnable } from './family';
import { ANSWERS } from './foldLaws';
import { Tally } from './tally';
import { UNANSWERED } from './unansweredLaws';

const RUNS_PER_LAW = 2_000;
const SEED = 20260102;

describe.each([runnable(ANSWERS), runnable(UNANSWERED)])('the outcome of a call: $name', (family) => {
  test.each(family.lawNames)('%s', (law) => {
    expect(() => family.run({ runs: RUNS_PER_LAW, seed: SEED, law }, new Tally())).not.toThrow();
  });
});
