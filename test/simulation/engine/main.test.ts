import { readArguments } from './arguments';
import { addHash, addSums, emptySums, linesOf } from './report';

const drawn = (): number => 5;

describe('what `npm run sim` accepts', () => {
  test('seeds and the first one as given; a drawn one where none is given; minutes instead of a count', () => {
    expect(readArguments(['--seeds', '200', '--seed', '7'], drawn)).toMatchObject({
      seeds: 200,
      seed: 7,
      of: 'seeds',
    });
    expect(readArguments([], drawn)).toMatchObject({ seed: 5, minutes: null, trace: false });
    expect(readArguments(['--minutes', '3'], drawn)).toMatchObject({ minutes: 3 });
    expect(readArguments(['--trace', '--seed', '9'], drawn)).toMatchObject({
      seeds: 1,
      seed: 9,
      trace: true,
    });
    expect(readArguments(['--doubts'], drawn)).toMatchObject({ of: 'doubts' });
    expect(readArguments(['--stories'], drawn)).toMatchObject({ of: 'stories' });
    expect(readArguments(['--boundaries'], drawn)).toMatchObject({ of: 'boundaries' });
  });

  test.each([
    [['--seeds', 'many'], '--seeds many is no number of seeds'],
    [['--seeds', '0'], '--seeds 0 is no number of seeds'],
    [['--seeds', '1e3'], '--seeds 1e3 is no number of seeds'],
    [['--seed', '-1'], "Option '--seed' argument is ambiguous"],
    [['--seed', '4294967296'], '--seed 4294967296 is no seed'],
    [['--minutes', '0'], '--minutes 0 makes no sense'],
    [['--trace', '--seeds', '2'], '--trace shows one seed'],
    [['--trace', '--stories'], '--trace shows one seed: leave --stories out'],
    [['--doubts', '--stories'], '--doubts and --stories are two things'],
    [['--sed', '1'], "Unknown option '--sed'"],
  ])('%j is refused, and what is known is told', (args, message) => {
    const refused = readArguments(args, drawn);
    expect(refused).toContain(message);
    expect(refused).toContain('Known: --seeds <count>, --seed');
  });
});

test('the hash over many runs does not depend on who made them in which order, but on each of them', () => {
  const one = addHash(addHash(emptySums().hash, 1, '00000000000000aa'), 2, '00000000000000bb');
  const other = addHash(addHash(emptySums().hash, 2, '00000000000000bb'), 1, '00000000000000aa');
  expect(one).toBe(other);
  expect(addHash(addHash(emptySums().hash, 1, '00000000000000bb'), 2, '00000000000000aa')).not.toBe(one);
  const [first, second] = [emptySums(), emptySums()];
  first.hash = addHash(first.hash, 1, '00000000000000aa');
  second.hash = addHash(second.hash, 2, '00000000000000bb');
  addSums(first, second);
  expect(first.hash).toBe(one);
});

test('the report says how many runs, steps and looks, what happened by kind, and one hash', () => {
  const sums = emptySums();
  Object.assign(sums, { runs: 2 });
  Object.assign(sums.tally, { steps: 900, looks: 7, virtual_ms: 7_200_000 });
  sums.tally.acts['kill'] = 3;
  const lines = linesOf(sums, 'seeds', 2).join('\n');
  expect(lines).toMatch(/seeds +2\n/);
  expect(lines).toContain('2 h went by in them, 3600 times as fast as real time');
  expect(lines).toContain('kill 3');
});
