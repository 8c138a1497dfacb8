/**
 * `npm run chaos -- --minutes 2 --seed 7`: the built programs as real processes under real faults, then an oracle over all that
 * was done and all that stands. The seed gives the plan of faults and operations again, not their timing.
 * Exit 1: an invariant is broken, or the run could not be carried out. Exit 2: the arguments make no sense.
 */
import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';
import { runAmbiguous } from './ambiguous';
import { readArguments } from './arguments';
import { FAULT_NAMES } from './faults';
import type { Wanted } from './arguments';
import { tellViolations } from './report';
import { runChaos, settingsFor } from './run';
import { createStage } from './stage';
import type { Violation } from './violation';

const EXIT_BROKEN = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
const MINUTE_MS = 60_000;
const PARENT_POLL_MS = 250;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Ctrl-C, SIGTERM, or the end of the npm that started us, which may swallow the signal. */
function onInterrupt(interrupt: () => void): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) interrupt();
  }, PARENT_POLL_MS).unref();
}

async function main(wanted: Wanted): Promise<number> {
  const { seed, minutes, faults, ambiguous } = wanted;
  const began = Date.now();
  const interrupted = new AbortController();
  const settings = settingsFor(seed);
  const stage = await createStage(seed, settings, say);
  let interruption: Promise<number> | null = null;
  const untilInterrupted = new Promise<number>((resolve, reject) => {
    onInterrupt(() => {
      interruption ??= (async () => {
        say('\ninterrupted: ending all processes');
        interrupted.abort(new Error('interrupted'));
        await stage.kill();
        stage.removeFolder(false);
        return EXIT_INTERRUPTED;
      })();
      interruption.then(resolve, reject);
    });
  });

  async function carryOut(): Promise<number> {
    say(
      `seed       ${seed}, ${ambiguous === null ? `${minutes} min` : `${ambiguous} ambiguous creates`}, ${settings['CONFLICT_POLICY']} wins`,
    );
    let violations: Violation[];
    try {
      violations =
        ambiguous === null
          ? await runChaos(stage, { seed, length_ms: minutes * MINUTE_MS, faults }, interrupted.signal, say)
          : await runAmbiguous(stage, { seed, creates: ambiguous }, interrupted.signal, say);
    } catch (error) {
      if (interruption !== null) return await interruption;
      const { stack, cause } = error instanceof Error ? error : { stack: String(error), cause: undefined };
      violations = [
        {
          invariant: 'run',
          detail: `could not be carried out: ${stack ?? ''}${cause === undefined ? '' : `\n${inspect(cause)}`}`,
        },
      ];
    }
    await stage.kill();
    for (const line of tellViolations(violations)) say(line);
    stage.removeFolder(violations.length > 0);
    say(`seconds    ${((Date.now() - began) / 1000).toFixed(0)}`);
    if (violations.length === 0) return 0;
    say(`logs       ${stage.logs}`);
    say(
      `again      npm run chaos -- ${ambiguous === null ? `--minutes ${minutes}` : `--ambiguous ${ambiguous}`} --seed ${seed}${faults.length === FAULT_NAMES.length ? '' : ` --faults ${faults.join(',')}`}`,
    );
    return EXIT_BROKEN;
  }

  return Promise.race([carryOut(), untilInterrupted]);
}

const wanted = readArguments(process.argv.slice(2), () => randomInt(2 ** 31 - 1));
if (typeof wanted === 'string') {
  process.stderr.write(`${wanted}\n`);
  process.exitCode = EXIT_USAGE;
} else {
  main(wanted).then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(EXIT_BROKEN);
    },
  );
}
