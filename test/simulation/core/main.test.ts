import { readArguments } from './arguments';
import { FAMILIES, runAll, shares } from './families';
import { Tally } from './tally';

const drawn = () => 5;

describe('what `npm run sim:core` accepts', () => {
  test('runs and seed as given, a seed below nothing too; a drawn seed where none is given', () => {
    expect(readArguments(['--runs', '1000', '--seed', '-7'], drawn)).toEqual({ runs: 1_000, seed: -7 });
    expect(readArguments([], drawn)).toMatchObject({ seed: 5 });
  });

  test.each([
    [['--runs', 'many'], '--runs many is no number of runs'],
    [['--runs', '0'], '--runs 0 is no number of runs'],
    [['--runs', '1e3'], '--runs 1e3 is no number of runs'],
    [['--seed', '0x10'], '--seed 0x10 is no seed'],
    [['--seed', ''], '--seed  is no seed'],
    [['--seed', '4294967296'], '--seed 4294967296 is no seed'],
    [['--sed', '1'], "Unknown option '--sed'"],
  ])('%j is refused with a message', (args, message) => {
    expect(readArguments(args, drawn)).toContain(message);
  });
});

describe('a run', () => {
  test('I12: the same seed comes to the same, another one to something else, and every cell of the table is asked', () => {
    const [one, two, other] = [7, 7, 8].map((seed) => {
      const tally = new Tally();
      runAll(2_000, seed, tally);
      return { cells: tally.cells(), hash: tally.hash() };
    });
    expect(two).toEqual(one);
    expect(other?.hash).not.toBe(one?.hash);
    expect(one?.cells.filter(({ hits }) => hits === 0)).toEqual([]);
  });

  test('the shares of the families are all runs', () => {
    expect(FAMILIES.reduce((sum, { sharePercent }) => sum + sharePercent, 0)).toBe(100);
    expect(shares(1_001).reduce((sum, part) => sum + part, 0)).toBe(1_001);
  });
});
