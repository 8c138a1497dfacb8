/**
 * MEASURE. `npm run bench` starts the whole system on ports and data of its own, measures it and a floor on the same
 * server (phases.ts), prints a table beside what was wanted, writes everything as JSON, and leaves nothing behind.
 *   --quick        a tenth of the samples, to try the bench itself
 *   --json <file>  default: bench/results/latest.json
 * May touch: everything, as a composition root does. Touched by nobody.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { watchProcesses } from './footprint';
import { FULL, measure, QUICK } from './phases';
import { describeMachine, renderReport, reportJson } from './report';
import { createStage } from './rig';

const RESULTS = path.resolve(__dirname, '..', '..', 'bench', 'results', 'latest.json');
/** A run takes about four minutes on two quiet cores; one that hangs ends by itself. */
const TOTAL_MAX_MS = 15 * 60_000;
const MEMORY_SAMPLE_MS = 1_000;
/** npm hands its child the Ctrl-C which the terminal has already sent, so two signals this close are one. */
const SAME_KEYPRESS_MS = 400;
const EXIT_INTERRUPTED = 130;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Rejects at the first signal, so that everything is cleaned up; a later one does not wait for that. */
function interruption(kill: () => void): Promise<never> {
  let firstMs: number | null = null;
  return new Promise((_, reject) => {
    const onSignal = (): void => {
      if (firstMs === null) {
        firstMs = performance.now();
        reject(new Error('interrupted'));
      } else if (performance.now() - firstMs > SAME_KEYPRESS_MS) {
        kill();
        process.exit(EXIT_INTERRUPTED);
      }
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  });
}

function timeLimit(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(
      () => reject(new Error(`not done after ${TOTAL_MAX_MS / 60_000} minutes`)),
      TOTAL_MAX_MS,
    ).unref();
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, json: { type: 'string', default: RESULTS } },
  });
  const { quick } = values;
  const sizes = quick ? QUICK : FULL;
  const machine = describeMachine();
  const began = performance.now();
  const stage = await createStage(say);
  const run = async (): Promise<void> => {
    say('… starting the system');
    const rig = await stage.start();
    rig.parts.set('bench', process.pid);
    const footprint = watchProcesses(() => rig.parts);
    const sampling = setInterval(() => footprint.sampleMemory(), MEMORY_SAMPLE_MS).unref();
    const measured = await measure({ rig, footprint, sizes, say });
    clearInterval(sampling);
    const file = path.resolve(values.json);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, reportJson(machine, sizes, measured, quick));
    process.stdout.write(`${renderReport(machine, sizes, measured, quick)}\n`);
    say(`done in ${((performance.now() - began) / 1000).toFixed(0)} s; all figures: ${file}`);
  };
  try {
    await Promise.race([run(), interruption(() => stage.kill()), timeLimit()]);
  } finally {
    await stage.stop();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const interrupted = error instanceof Error && error.message === 'interrupted';
    say(
      `bench: ${interrupted || !(error instanceof Error) ? String(error) : (error.stack ?? error.message)}`,
    );
    process.exit(interrupted ? EXIT_INTERRUPTED : 1);
  },
);
