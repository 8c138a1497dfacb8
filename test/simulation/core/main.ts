/**
 * `npm run sim:core -- --runs 1000000 --seed 7`: the laws of the decision core over many cases. Prints what it did, a hash
 * over all outcomes (the same for the same seed, runs and code), and how often each cell of the decision table was asked.
 * Exit 1: a law is broken or a cell was never asked. Exit 2: the arguments make no sense.
 */
import { randomInt } from 'node:crypto';
import { readArguments } from './arguments';
import { FAMILIES, runAll } from './families';
import type { CellCount } from './tally';
import { Tally } from './tally';

const EXIT_BROKEN = 1;
const EXIT_USAGE = 2;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function cellLine({ local, remote, verb, hits }: CellCount): string {
  return `  ${local.padEnd(9)}${remote.padEnd(9)}${verb.padEnd(15)}${String(hits).padStart(9)}`;
}

function report(runs: number, seed: number): number {
  const tally = new Tally();
  const began = performance.now();
  runAll(runs, seed, tally);
  const seconds = (performance.now() - began) / 1_000;
  const laws = FAMILIES.reduce((sum, { lawNames }) => sum + lawNames.length, 0);
  say(`runs      ${runs}, held against ${laws} laws in ${FAMILIES.length} families`);
  say(`seconds   ${seconds.toFixed(1)}`);
  say(`runs/s    ${Math.round(runs / seconds)}`);
  say(`seed      ${seed}`);
  say(`hash      ${tally.hash()}`);
  say('cells of the decision table: here, there, verb, how often decided');
  const cells = tally.cells();
  for (const cell of cells) say(cellLine(cell));
  const missed = cells.filter(({ hits }) => hits === 0);
  if (missed.length === 0) return 0;
  say(`never decided: ${missed.map(({ local, remote }) => `${local}/${remote}`).join(', ')}; run more`);
  return EXIT_BROKEN;
}

const wanted = readArguments(process.argv.slice(2), () => randomInt(2 ** 31 - 1));
if (typeof wanted === 'string') {
  process.stderr.write(`${wanted}\n`);
  process.exitCode = EXIT_USAGE;
} else {
  try {
    process.exitCode = report(wanted.runs, wanted.seed);
  } catch (error) {
    const { message, cause } = error as Error;
    say(`A law is broken (--runs ${wanted.runs} --seed ${wanted.seed} shows it again).`);
    say(message);
    if (cause instanceof Error) say(cause.message);
    process.exitCode = EXIT_BROKEN;
  }
}
