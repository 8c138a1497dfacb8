/**
 * A real Postgres for people who have configured none: makes the cluster, starts it, waits until it answers, stops it.
 * May touch: node:*, pg, its neighbours in this folder.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from 'pg';

import { watchExit, type RunningPart } from './part';
import { findPostgresBinaries, type PostgresBinaries } from './postgresBinaries';
import {
  clusterFolder,
  endStalePostgres,
  ensureCluster,
  POSTGRES_END_STEPS,
  postgresEnvironment,
} from './postgresCluster';
import { endProcess, messageOf } from './processes';
import { unprivilegedUser, type SystemUser } from './unprivilegedUser';

/** Long, because a cluster that was killed replays its log first. */
const READY_DEADLINE_MS = 60_000;
const READY_POLL_MS = 30;
/** A killed Postgres leaves its helpers running for a moment, and they hold its shared memory. */
const LEFTOVER_DEADLINE_MS = 15_000;
const LEFTOVER_POLL_MS = 300;
const LOG_TAIL_LINES = 12;

const ROLE = 'counterpart';
const DATABASE = 'counterpart';

export interface PostgresOptions {
  /** Absolute; the cluster goes to DATA_DIR/postgres. */
  readonly dataDir: string;
  readonly port: number;
  /** Absolute; appended to. */
  readonly logFile: string;
  /** False only for tests: no fsync, and a role that may create databases and roles. */
  readonly durable?: boolean;
  readonly say?: (line: string) => void;
}

export interface RunningPostgres extends RunningPart {
  /** As role `counterpart`, which owns database `counterpart` and is no superuser. */
  readonly url: string;
  readonly adminUrl: string;
  readonly cluster: string;
}

/** Where the embedded Postgres on `port` is reached; no password, see ensureCluster. */
export function embeddedPostgresUrl(port: number): string {
  return `postgres://${ROLE}@127.0.0.1:${port}/${DATABASE}`;
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '', // their path has a length limit that a deep checkout exceeds
  max_connections: '200',
  log_min_messages: 'warning',
  // details and statements quote values: "Key (email)=(…) already exists"
  log_error_verbosity: 'terse',
  log_min_error_statement: 'panic',
  log_parameter_max_length_on_error: '0',
  log_timezone: 'UTC',
  timezone: 'UTC',
  jit: 'off', // compiles for longer than our short statements run
};
const SETTINGS_WITHOUT_DURABILITY = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

function tail(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}

function launch(
  binaries: PostgresBinaries,
  cluster: string,
  user: SystemUser | null,
  options: PostgresOptions,
) {
  const settings = { ...SETTINGS, ...(options.durable === false ? SETTINGS_WITHOUT_DURABILITY : {}) };
  const args = ['-D', cluster, '-p', String(options.port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const log = openSync(options.logFile, 'a');
  try {
    return spawn(binaries.postgres, args, {
      cwd: cluster,
      env: postgresEnvironment(),
      stdio: ['ignore', log, log],
      detached: true, // its own process group: Ctrl-C in the terminal must not reach it before its users have stopped
      windowsHide: true,
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
    });
  } finally {
    closeSync(log);
  }
}

async function answers(adminUrl: string, cluster: string): Promise<boolean> {
  const client = new Client({ connectionString: adminUrl, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {}); // the same failure rejects the call below
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    const theirs = rows[0]?.data_directory ?? '';
    if (realpathSync(theirs) !== realpathSync(cluster)) {
      throw new Error(`another Postgres (data in ${theirs}) answers on the port that was meant for ours`);
    }
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('another Postgres')) throw error;
    return false; // not up yet: refused, starting up, recovering
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function ensureRoleAndDatabase(adminUrl: string, forTests: boolean): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const role = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [ROLE]);
    if (role.rowCount === 0) await client.query(`CREATE ROLE ${ROLE} LOGIN`);
    if (forTests) await client.query(`ALTER ROLE ${ROLE} CREATEDB CREATEROLE`);
    const database = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (database.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} OWNER ${ROLE}`);
  } finally {
    await client.end();
  }
}

/** Starts it and waits; null when what a killed predecessor left behind is still in the way and it is worth a retry. */
async function tryStart(
  binaries: PostgresBinaries,
  cluster: string,
  user: SystemUser | null,
  options: PostgresOptions,
  adminUrl: string,
) {
  const child = launch(binaries, cluster, user, options);
  const exited = watchExit(child);
  const gone = { done: false };
  void exited.then(() => (gone.done = true));
  const deadline = Date.now() + READY_DEADLINE_MS;
  while (!(await answers(adminUrl, cluster))) {
    if (gone.done || child.pid === undefined) {
      const said = tail(options.logFile);
      if (/pre-existing shared memory block|lock file .* already exists/.test(said)) return null;
      throw new Error(`The embedded Postgres ended while starting. The end of ${options.logFile}:\n${said}`);
    }
    if (Date.now() > deadline) {
      await endProcess(child.pid, 'Postgres', POSTGRES_END_STEPS);
      throw new Error(
        `The embedded Postgres did not answer within ${READY_DEADLINE_MS / 1000} s. The end of ${options.logFile}:\n${tail(options.logFile)}`,
      );
    }
    await sleep(READY_POLL_MS);
  }
  if (child.pid === undefined)
    throw new Error('The embedded Postgres has no process id: it was not started by us');
  return { pid: child.pid, exited };
}

/**
 * Starts Postgres on DATA_DIR/postgres (made when missing: UTF8, locale C) and waits until role and database are there.
 * Throws with the end of its log when it cannot.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const say = options.say ?? (() => {});
  const user = unprivilegedUser();
  const binaries = findPostgresBinaries(user, say);
  const cluster = clusterFolder(options.dataDir, user, say);
  mkdirSync(path.dirname(options.logFile), { recursive: true });
  await ensureCluster(binaries, cluster, user, options.durable !== false);
  await endStalePostgres(cluster, say);

  const adminUrl = `postgres://postgres@127.0.0.1:${options.port}/postgres`;
  const deadline = Date.now() + LEFTOVER_DEADLINE_MS;
  let started = await tryStart(binaries, cluster, user, options, adminUrl);
  while (started === null) {
    if (Date.now() > deadline) {
      throw new Error(
        `Remains of an earlier Postgres on ${cluster} do not go away:\n${tail(options.logFile)}`,
      );
    }
    await sleep(LEFTOVER_POLL_MS);
    started = await tryStart(binaries, cluster, user, options, adminUrl);
  }
  const { pid, exited } = started;
  try {
    await ensureRoleAndDatabase(adminUrl, options.durable === false);
  } catch (error) {
    await stopPostgres(pid, binaries, cluster);
    throw new Error(`The embedded Postgres runs but could not be set up: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return {
    url: embeddedPostgresUrl(options.port),
    adminUrl,
    cluster,
    pid,
    exited,
    stop: () => stopPostgres(pid, binaries, cluster),
  };
}

async function stopPostgres(pid: number, binaries: PostgresBinaries, cluster: string): Promise<void> {
  if (process.platform === 'win32') {
    // Windows has no signals; pg_ctl sends the request through a pipe.
    spawnSync(binaries.pgCtl, ['stop', '-D', cluster, '-m', 'fast', '-w', '-t', '10'], { windowsHide: true });
  }
  await endProcess(pid, 'Postgres', POSTGRES_END_STEPS);
}
