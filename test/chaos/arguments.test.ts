import { readArguments } from './arguments';
import { FAULT_NAMES } from './faults';

const seed = () => 42;

test('nothing given: two minutes, a seed that is drawn, every fault', () => {
  expect(readArguments([], seed)).toEqual({ minutes: 2, seed: 42, faults: FAULT_NAMES, ambiguous: null });
});

test('minutes, a seed, some faults and a number of ambiguous creates are taken as given', () => {
  expect(
    readArguments(
      ['--minutes', '0.5', '--seed', '7', '--faults', 'cut, kill-worker', '--ambiguous', '2000'],
      seed,
    ),
  ).toEqual({ minutes: 0.5, seed: 7, faults: ['cut', 'kill-worker'], ambiguous: 2000 });
});

test('an unknown fault is refused with the list of all that are known', () => {
  const told = readArguments(['--faults', 'cut,earthquake'], seed);
  expect(told).toContain('unknown: earthquake');
  for (const name of FAULT_NAMES) expect(told).toContain(name);
  expect(readArguments(['--faults', ','], seed)).toContain('names none');
});

test.each([
  [['--minutes', '0'], '--minutes 0'],
  [['--minutes', 'soon'], '--minutes soon'],
  [['--seed', '-1.5'], '--seed'],
  [['--ambiguous', '0'], '--ambiguous 0'],
  [['--hours', '1'], '--hours'],
])('%j makes no sense, and is told so', (args, told) => {
  expect(readArguments(args, seed)).toContain(told);
});
