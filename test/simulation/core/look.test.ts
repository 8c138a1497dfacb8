import { runnable } from './family';
import { LOOKS } from './lookLaws';
import { Tally } from './tally';

const RUNS_PER_LAW = 2_000;
const SEED = 20260101;
const looks = runnable(LOOKS);

describe('a decision about two sides that were perturbed from one base', () => {
  test.each(looks.lawNames)('%s', (law) => {
    const tally = new Tally();
    looks.run({ runs: RUNS_PER_LAW, seed: SEED, law }, tally);
    expect(tally.cells().filter(({ hits }) => hits === 0)).toEqual([]);
  });
});
