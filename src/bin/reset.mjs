/**
 * `npm run reset`: empties DATA_DIR, so that the next start begins with nothing. Refuses while a start works on it, and
 * refuses any folder that Counterpart has not marked as its own. Only node:*, so that it works whatever else is broken.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';

/** The same names as in src/embedded/dataFolder.ts and postgresCluster.ts; a test holds them together. */
const MARKER = 'counterpart-data';
const LOCK = 'lock';
const PROCESSES = 'processes.json';
const ELSEWHERE = 'postgres-is-elsewhere.txt';
const SHARED_FOLDERS = ['/var/lib/counterpart', '/Users/Shared/counterpart'];

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

function dataDir() {
  const dotenv = path.join(root, '.env');
  const fromFile = existsSync(dotenv) ? parseEnv(readFileSync(dotenv, 'utf8')).DATA_DIR : undefined;
  return path.resolve(root, process.env.DATA_DIR?.trim() || fromFile?.trim() || '.data');
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null; // not there, or cut short: it names no process
  }
}

/** Whether a recorded process still runs, as src/embedded/processes.ts tells it where /proc is there; by pid elsewhere. */
function isLive({ pid, started }) {
  const stat = `/proc/${pid}/stat`;
  if (process.platform === 'linux') {
    if (!existsSync(stat)) return false;
    const text = readFileSync(stat, 'utf8');
    const ticks = text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
    return started === null || String(started).endsWith(`/${ticks}`);
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  // Elsewhere a pid may have gone to a stranger; its name decides.
  if (process.platform === 'win32') return true;
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return started === null || stdout.trim() === started;
}

function refusal(folder) {
  if (!existsSync(path.join(folder, MARKER))) {
    return `${folder} was not made by Counterpart (it holds no file ${MARKER}), so nothing is deleted. Is DATA_DIR right?`;
  }
  const holder = readJson(path.join(folder, LOCK));
  if (holder !== null && isLive(holder)) {
    return `Counterpart is running on ${folder} (process ${holder.pid}). Stop it first.`;
  }
  const left = (readJson(path.join(folder, PROCESSES)) ?? []).filter(isLive);
  if (left.length > 0) {
    const names = left.map(({ name, pid }) => `${name} (process ${pid})`).join(', ');
    return `A killed start has left ${names} running on ${folder}. Run "npm start" and Ctrl-C once, which ends them, then reset.`;
  }
  return null;
}

/** A cluster kept outside DATA_DIR (only ever as root) goes too, but only from the folder we keep such clusters in. */
function removeElsewhere(folder) {
  const note = path.join(folder, ELSEWHERE);
  if (!existsSync(note)) return;
  const cluster = path.resolve(readFileSync(note, 'utf8').trim());
  if (!SHARED_FOLDERS.includes(path.dirname(cluster))) return;
  rmSync(cluster, { recursive: true, force: true });
  process.stdout.write(`removed ${cluster}\n`);
}

function contents(folder) {
  return readdirSync(folder).filter((entry) => entry !== MARKER);
}

const folder = dataDir();
const why = existsSync(folder) && readdirSync(folder).length > 0 ? refusal(folder) : null;
if (why !== null) {
  process.stderr.write(`${why}\n`);
  process.exitCode = 1;
} else if (!existsSync(folder)) {
  process.stdout.write(`${folder} is not there: nothing to empty\n`);
} else if (contents(folder).length === 0) {
  process.stdout.write(`${folder} is empty: nothing to do\n`);
} else {
  removeElsewhere(folder);
  // The marker stays: a reset that is interrupted can be repeated.
  for (const name of contents(folder)) {
    rmSync(path.join(folder, name), { recursive: true, force: true });
  }
  process.stdout.write(`emptied ${folder}\n`);
}
