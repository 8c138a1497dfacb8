/**
 * `npm start`: from a bare clone to the running system. Checks the machine, installs and builds what is missing, then
 * hands over to dist/src/bin/start.js in this same process. Plain JavaScript with only node:*: nothing is installed yet.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { ensureDependencies } from '../embedded/dependencies.mjs';

/** node_modules, the Temporal binary and a first Postgres cluster take about this much. */
const FREE_DISK_MIN_BYTES = 1.5e9;
const PLATFORMS = { linux: ['x64', 'arm64'], darwin: ['x64', 'arm64'], win32: ['x64'] };

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

function checkNode() {
  const { engines } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const wanted = engines.node
    .replace(/[^\d.]/g, '')
    .split('.')
    .map(Number);
  const have = process.versions.node.split('.').map(Number);
  const [major, minor] = [have[0] - wanted[0], have[1] - (wanted[1] ?? 0)];
  if (major > 0 || (major === 0 && minor >= 0)) return;
  throw new Error(
    `Counterpart needs Node ${engines.node}; this is ${process.version}. Get a newer one from https://nodejs.org`,
  );
}

function checkPlatform() {
  if (PLATFORMS[process.platform]?.includes(os.arch())) return;
  process.stderr.write(
    `Note: ${process.platform} on ${os.arch()} has not been tried. If the embedded Postgres or Temporal does not start, ` +
      'set DATABASE_URL and TEMPORAL_ADDRESS.\n',
  );
}

/** Only where something will have to be installed: a running system must not be refused for a disk that filled up. */
function checkDisk() {
  if (existsSync(path.join(root, 'node_modules'))) return;
  const { bavail, bsize } = statfsSync(root);
  if (bavail * bsize >= FREE_DISK_MIN_BYTES) return;
  throw new Error(
    `Only ${Math.round((bavail * bsize) / 1e6)} MB are free on the disk of ${root}; a first start needs about ${FREE_DISK_MIN_BYTES / 1e6} MB.`,
  );
}

try {
  process.chdir(root);
  checkNode();
  checkPlatform();
  checkDisk();
  ensureDependencies(root);
  const build = spawnSync(process.execPath, [path.join(root, 'src', 'bin', 'build.mjs')], {
    stdio: 'inherit',
    windowsHide: true,
  });
  if (build.status !== 0) process.exit(1);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
await import(pathToFileURL(path.join(root, 'dist', 'src', 'bin', 'start.js')).href);
