/**
 * Composition root of `npm start`: reads the configuration, takes DATA_DIR, starts the system and stops it when asked.
 * Run by launch.mjs, which has made sure that everything is installed and built.
 */
import path from 'node:path';

import { ConfigError, dotenvMistakes, loadConfig, readDotenv, type Config } from '../config';
import { startTable, tryIt } from '../config/startTable';
import { unknownVariables } from '../config/unknownVariables';
import { lockDataFolder, openDataFolder, ProcessRecord } from '../embedded/dataFolder';
import { messageOf } from '../embedded/processes';
import { EXIT_NEEDS_A_PERSON, GaveUp } from '../embedded/supervisor';
import { createSystem, type System } from '../embedded/system';
import { unprivilegedUser } from '../embedded/unprivilegedUser';
import { wire, type Wiring } from '../embedded/wiring';
import { setUpOtherwise } from './setUpOtherwise';

/** npm hands its child the Ctrl-C which the terminal has already sent, so two signals this close are one. */
const SAME_KEYPRESS_MS = 400;
const PARENT_POLL_MS = 250;

const root = path.resolve(__dirname, '..', '..', '..');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printTable(config: Config, wiring: Wiring): void {
  const rows = startTable(config, wiring);
  const width = (pick: (row: (typeof rows)[number]) => string) =>
    Math.max(...rows.map((row) => pick(row).length));
  const [partWidth, whereWidth] = [width((row) => row.part), width((row) => row.where)];
  say('');
  for (const { part, where, from } of rows) {
    say(
      `  ${part.padEnd(partWidth)}  ${where.padEnd(whereWidth)}  ${from === '' ? '' : `(${from})`}`.trimEnd(),
    );
  }
}

/**
 * npm, told to end, ends without telling us: its shell swallows the signal. So our parent's end counts as a signal, but
 * only under npm; who starts the launcher by hand in the background may well leave.
 */
function onOrphaned(config: Config, callback: () => void): void {
  if (config.variables['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, PARENT_POLL_MS).unref();
}

interface Ending {
  readonly code: number;
  /** Whether everything that ran has ended in order, and is to be said so. */
  readonly stopped: boolean;
}

/** Whoever supervises the start need not try again where a person must act. */
function codeOf(error: unknown): number {
  return error instanceof GaveUp || error instanceof ConfigError ? EXIT_NEEDS_A_PERSON : 1;
}

/** The first signal stops in order, a later one kills. Resolves once one has been obeyed. */
function obeySignals(config: Config, stop: () => Promise<void>, kill: () => void): Promise<Ending> {
  return new Promise((resolve) => {
    let firstAt: number | null = null;
    const onSignal = (why: string) => {
      if (firstAt === null) {
        firstAt = Date.now();
        say(`\nstopping, because of ${why} (Ctrl-C again kills) …`);
        stop().then(
          () => resolve({ code: 0, stopped: true }),
          (error: unknown) => {
            say(`Not everything stopped cleanly: ${messageOf(error)}`);
            resolve({ code: 1, stopped: false });
          },
        );
      } else if (Date.now() - firstAt > SAME_KEYPRESS_MS) {
        say('killed');
        kill();
        resolve({ code: 130, stopped: false });
      }
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
    // A terminal's Ctrl-C ends npm at once, and that must not count as the second one.
    onOrphaned(config, () => {
      if (firstAt === null) onSignal('the end of npm');
    });
  });
}

/** What was said before the parts began has been scrolled away by the table, so it is said again. */
async function printNotices(config: Config, wiring: Wiring, slips: readonly string[]): Promise<void> {
  const notices = [...slips, ...(await setUpOtherwise(config, wiring.databaseUrl))];
  if (notices.length > 0) say(`\n${notices.map((line) => `Note: ${line}`).join('\n')}`);
}

async function runSystem(config: Config, slips: readonly string[], began: number): Promise<Ending> {
  const record = new ProcessRecord(config.dataDir);
  await record.endLeftovers(say);
  const wiring = await wire(config, say);
  const system: System = createSystem({
    config,
    wiring,
    record,
    root,
    say,
  });
  const signalled = obeySignals(
    config,
    () => system.stop(),
    () => system.kill(),
  );
  const mustEnd = system.gaveUp.then((name) =>
    Promise.reject(new GaveUp(`${name} cannot go on; its reason is above`)),
  );
  say('starting …');
  try {
    const early = await Promise.race([system.start().then(() => null), mustEnd, signalled]);
    if (early !== null) return early;
  } catch (error) {
    if (system.isStopping()) return signalled;
    say(`\n${messageOf(error)}\n`);
    await system.stop();
    return { code: codeOf(error), stopped: true };
  }
  printTable(config, wiring);
  say(`\n${tryIt(config, wiring).join('\n')}\n\nCtrl-C stops everything; the data stays.`);
  await printNotices(config, wiring, slips);
  say(`\nready after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  try {
    return await Promise.race([signalled, mustEnd]);
  } catch (error) {
    say(`\n${messageOf(error)}; stopping.`);
    await system.stop();
    return { code: codeOf(error), stopped: true };
  }
}

async function main(): Promise<Ending> {
  const began = Date.now();
  process.stdout.on('error', () => {}); // the terminal may be closed while we stop
  const dotenv = readDotenv(root);
  const unread = dotenvMistakes(dotenv ?? '');
  for (const line of unread) say(line);
  const config = loadConfig(process.env, dotenv);
  const unknown = unknownVariables(config);
  for (const line of unknown) say(line);
  openDataFolder(config.dataDir, unprivilegedUser() !== null);
  const lock = lockDataFolder(config.dataDir);
  try {
    return await runSystem(config, [...unread, ...unknown], began);
  } finally {
    lock.release();
  }
}

/** Says it last, when the lock is free too: who reads it may start again. Leaves once it is written. */
async function leave({ code, stopped }: Ending): Promise<never> {
  if (stopped) await new Promise((resolve) => process.stdout.write('stopped\n', resolve));
  return process.exit(code);
}

main().then(leave, (error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(codeOf(error));
});
