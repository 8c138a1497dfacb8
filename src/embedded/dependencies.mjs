/** Makes `npm install` unnecessary: used by `npm start` and `npm test` before anything else is loaded. Only node:*. */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** npm itself, by the path npm hands to its scripts; by name for people who call the script without npm. */
function npm(root, args) {
  const cli = process.env.npm_execpath;
  const options = { cwd: root, stdio: 'inherit', windowsHide: true };
  if (cli !== undefined && /\.c?js$/.test(cli)) return spawnSync(process.execPath, [cli, ...args], options);
  // npm.cmd is a batch file, which Windows starts through its shell only; the arguments are ours and hold nothing special.
  return spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, {
    ...options,
    shell: process.platform === 'win32',
  });
}

function isStale(root) {
  const lock = path.join(root, 'package-lock.json');
  const marker = path.join(root, 'node_modules', '.package-lock.json'); // npm writes it last
  if (!existsSync(marker)) return 'node_modules is missing or incomplete';
  const seen = path.join(root, 'node_modules', '.counterpart-checked');
  const newest = Math.max(statSync(marker).mtimeMs, existsSync(seen) ? statSync(seen).mtimeMs : 0);
  if (existsSync(lock) && statSync(lock).mtimeMs > newest)
    return 'package-lock.json is newer than node_modules';
  return null;
}

/** `npm ci` empties node_modules first. Through a link it would empty a folder that is not this clone's. */
function refuseLink(root, why) {
  const folder = path.join(root, 'node_modules');
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const target = existsSync(folder) ? realpathSync(folder) : 'a folder that is not there';
  throw new Error(
    `${why}, and node_modules is a link to ${target}: nothing was installed, because npm would delete what stands there. ` +
      'Remove the link (only the link) and start again. Or, if what it leads to fits this package-lock.json, ' +
      'say so by making the file node_modules/.counterpart-checked newer: touch node_modules/.counterpart-checked',
  );
}

/**
 * Runs `npm ci` when node_modules is missing or older than package-lock.json. Throws when that fails, and when node_modules
 * is a symbolic link.
 */
export function ensureDependencies(root) {
  const why = isStale(root);
  if (why === null) return;
  refuseLink(root, why);
  process.stderr.write(`${why}: running npm ci\n`);
  let run = npm(root, ['ci', '--no-audit', '--no-fund']);
  if (run.error !== undefined) throw new Error(`npm could not be started: ${run.error.message}`);
  if (run.status !== 0) {
    // npm 11 refuses a lock file when the registry in use offers other platforms' optional packages than the one it was
    // written with. `npm install` takes the same locked versions and checksums; --no-save leaves the lock file alone.
    process.stderr.write('npm ci failed (its reason is above): trying npm install with the same versions\n');
    run = npm(root, ['install', '--no-save', '--no-audit', '--no-fund']);
  }
  if (run.status !== 0) {
    // An install that stopped half-way must not pass for a whole one next time.
    rmSync(path.join(root, 'node_modules', '.package-lock.json'), { force: true });
    throw new Error(
      'npm install failed too (its reason is above): is the npm registry reachable, is the disk full?',
    );
  }
  // npm keeps the time stamps it likes; this one says when the tree was last known to fit.
  writeFileSync(path.join(root, 'node_modules', '.counterpart-checked'), `${new Date().toISOString()}\n`);
}
