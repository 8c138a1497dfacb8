import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { sharedFolder, type PostgresBinaries } from './postgresBinaries';
import { commandLineOf, endProcess, type EndStep } from './processes';
import { canEnter, type SystemUser } from './unprivilegedUser';

/** Fast shutdown, then immediate (recovers from its log at the next start). Postgres manual, "Shutting Down the Server". */
export const POSTGRES_END_STEPS: readonly EndStep[] = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
];

/** Written into DATA_DIR when the cluster had to live elsewhere, so that reset finds it. */
export const ELSEWHERE_FILE = 'postgres-is-elsewhere.txt';

/**
 * The folder of the cluster: DATA_DIR/postgres; when we are root and the lent user cannot enter DATA_DIR, a folder under
 * sharedFolder() named after DATA_DIR. A cluster that already exists elsewhere stays there.
 */
export function clusterFolder(dataDir: string, user: SystemUser | null, say: (line: string) => void): string {
  const own = path.join(dataDir, 'postgres');
  if (user === null || existsSync(path.join(own, 'PG_VERSION'))) return own;
  const note = path.join(dataDir, ELSEWHERE_FILE);
  if (existsSync(note)) return readFileSync(note, 'utf8').trim();
  if (canEnter(dataDir, user)) return own;
  const name = `${path.basename(dataDir).replace(/^\W+/, '')}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
  const elsewhere = path.join(sharedFolder(), name);
  say(
    `Postgres keeps its data in ${elsewhere}: the user ${user.name}, whom it runs as, cannot enter ${dataDir}`,
  );
  mkdirSync(sharedFolder(), { recursive: true });
  chmodSync(sharedFolder(), 0o755);
  writeFileSync(note, `${elsewhere}\n`);
  return elsewhere;
}

/** PG* and locale variables of the shell must not reach it; it writes its messages in English and its times in UTC. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'SystemRoot', 'SYSTEMROOT', 'TEMP', 'TMP', 'LD_LIBRARY_PATH'];
  const environment: NodeJS.ProcessEnv = { LC_ALL: 'C', LANG: 'C', TZ: 'UTC' };
  for (const name of kept) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

function runInitdb(
  binaries: PostgresBinaries,
  folder: string,
  user: SystemUser | null,
  durable: boolean,
): Promise<void> {
  const args = [
    '--pgdata',
    folder,
    '--username=postgres',
    '--encoding=UTF8',
    '--locale=C',
    // Everything embedded listens on 127.0.0.1 only and trusts this machine, as the API without keys and Temporal do.
    '--auth=trust',
    '--no-instructions',
    ...(durable ? [] : ['--no-sync']),
  ];
  const as = user === null ? {} : { uid: user.uid, gid: user.gid };
  return new Promise((resolve, reject) => {
    const child = spawn(binaries.initdb, args, {
      cwd: folder,
      env: postgresEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...as,
    });
    const said: string[] = [];
    child.stdout.on('data', (chunk) => said.push(String(chunk)));
    child.stderr.on('data', (chunk) => said.push(String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve();
      reject(
        new Error(
          `initdb could not make a Postgres cluster in ${folder} (exit ${code}): ${said.join('').trim()}`,
        ),
      );
    });
  });
}

/** Makes the cluster when there is none. One interrupted half-way is thrown away, never taken for a cluster. */
export async function ensureCluster(
  binaries: PostgresBinaries,
  cluster: string,
  user: SystemUser | null,
  durable: boolean,
): Promise<'made' | 'found'> {
  if (existsSync(path.join(cluster, 'PG_VERSION'))) return 'found';
  if (existsSync(cluster)) {
    throw new Error(`${cluster} exists but is no Postgres cluster: move it away or run "npm run reset"`);
  }
  const draft = `${cluster}.initialising`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  if (user !== null) chownSync(draft, user.uid, user.gid);
  await runInitdb(binaries, draft, user, durable);
  renameSync(draft, cluster);
  return 'made';
}

/**
 * Ends a Postgres that a killed start left behind on this very cluster, and removes the pid file of one that is gone.
 * A pid taken over by a stranger after a reboot would otherwise keep Postgres from starting.
 */
export async function endStalePostgres(cluster: string, say: (line: string) => void): Promise<void> {
  const file = path.join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  const commandLine = Number.isInteger(pid) && pid > 0 ? commandLineOf(pid) : null;
  if (commandLine !== null && commandLine.includes(cluster)) {
    say(`ending the Postgres of an earlier start (process ${pid})`);
    await endProcess(pid, 'Postgres', POSTGRES_END_STEPS);
  }
  rmSync(file, { force: true });
}
