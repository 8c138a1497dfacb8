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
import type { Rig } from './rig';
import { runSession, say } from './session';

const RESULTS = path.resolve(__dirname, '..', '..', 'bench', 'results', 'latest.json');
/** A run takes about four minutes on two quiet cores; one that hangs ends by itself. */
const TOTAL_MAX_MS = 15 * 60_000;
const MEMORY_SAMPLE_MS = 1_000;

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string', default: RESULTS } },
});

async function measureAll(rig: Rig): Promise<true> {
  const { quick } = values;
  const sizes = quick ? QUICK : FULL;
  const machine = describeMachine();
  const began = performance.now();
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
  return true;
}

runSession('bench', { totalMaxMs: TOTAL_MAX_MS }, measureAll);
