import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { z } from 'zod';

import { parseJson } from './json';
import { waitForLock, type LockHolder } from './lock';
import { messageOf } from './processes';
import { downloadTemporal, executableName, sha256Of, TEMPORAL_VERSION } from './temporalRelease';

const GO_PACKAGE = `github.com/temporalio/cli/cmd/temporal@v${TEMPORAL_VERSION}`;
const GO_INSTALL_MAX_MS = 20 * 60_000;
const LOCK_MAX_MS = 25 * 60_000;
const HEARTBEAT_MS = 15_000;
const PROBE_TIMEOUT_MS = 20_000;
const GO_OUTPUT_LINES = 6;

export interface TemporalBinary {
  readonly path: string;
  readonly from: 'TEMPORAL_CLI' | 'PATH' | 'cache' | 'download' | 'go install';
}

export interface ResolveOptions {
  /** TEMPORAL_CLI, or null. */
  readonly cli: string | null;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  /** Aborted when the person gives up waiting. */
  readonly signal?: AbortSignal;
}

/** Per user and machine, so that every checkout shares one binary. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const home = os.homedir();
  const base =
    env['XDG_CACHE_HOME'] ||
    (process.platform === 'win32'
      ? env['LOCALAPPDATA'] || path.join(home, 'AppData', 'Local')
      : process.platform === 'darwin'
        ? path.join(home, 'Library', 'Caches')
        : path.join(home, '.cache'));
  return path.join(base, 'counterpart', `temporal-v${TEMPORAL_VERSION}`);
}

/** null when `binary` is a Temporal CLI whose dev server takes the flags we need; else what is wrong with it. */
function probe(binary: string): string | null {
  const run = spawnSync(binary, ['server', 'start-dev', '--help'], {
    encoding: 'utf8',
    timeout: PROBE_TIMEOUT_MS,
    windowsHide: true,
  });
  if (run.error !== undefined) return messageOf(run.error);
  if (run.status !== 0)
    return `"${binary} server start-dev --help" failed: ${run.stderr.trim().slice(0, 200)}`;
  if (!run.stdout.includes('--search-attribute') || !run.stdout.includes('--dynamic-config-value')) {
    return 'it is too old: its dev server knows no --search-attribute';
  }
  return null;
}

function fromVariable(cli: string): TemporalBinary {
  const binary = path.resolve(cli);
  const trouble = existsSync(binary) ? probe(binary) : 'there is no such file';
  if (trouble === null) return { path: binary, from: 'TEMPORAL_CLI' };
  throw new Error(
    `TEMPORAL_CLI=${cli} cannot be used: ${trouble}. Point it at a Temporal CLI, or remove it.`,
  );
}

function fromPath(env: NodeJS.ProcessEnv, reasons: string[]): TemporalBinary | null {
  const search = env['PATH'] ?? env['Path'] ?? '';
  for (const folder of search.split(path.delimiter)) {
    const binary = path.join(folder, executableName());
    if (folder === '' || !existsSync(binary)) continue;
    const trouble = probe(binary);
    if (trouble === null) return { path: binary, from: 'PATH' };
    reasons.push(`${binary} on PATH: ${trouble}`);
    return null;
  }
  reasons.push('PATH: no temporal there');
  return null;
}

const recordShape = z.object({
  sha256: z.string(),
  bytes: z.number(),
  modifiedMs: z.number(),
  from: z.string(),
});

function recordFile(binary: string): string {
  return `${binary}.json`;
}

async function record(binary: string, from: string): Promise<void> {
  const { size, mtimeMs } = statSync(binary);
  const content = { sha256: await sha256Of(binary), bytes: size, modifiedMs: mtimeMs, from };
  writeFileSync(recordFile(binary), `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * The cached binary, if it is what was once put there. The checksum is computed anew whenever size or time of the file
 * differ from the record; reading 250 MB at each start would cost a second.
 * A file without a record was put there by a person, as the error message proposes: it is probed and recorded.
 */
async function fromCache(folder: string, reasons: string[]): Promise<TemporalBinary | null> {
  const binary = path.join(folder, executableName());
  if (!existsSync(binary)) {
    reasons.push(`cache ${folder}: empty`);
    return null;
  }
  if (existsSync(recordFile(binary))) {
    const known = recordShape.safeParse(parseJson(readFileSync(recordFile(binary), 'utf8')));
    const { size, mtimeMs } = statSync(binary);
    if (known.success && known.data.bytes === size && known.data.modifiedMs === mtimeMs) {
      return { path: binary, from: 'cache' };
    }
    if (!known.success || known.data.sha256 !== (await sha256Of(binary))) {
      reasons.push(
        `cache ${binary}: not the file that was put there (its checksum differs), so it was set aside`,
      );
      renameSync(binary, `${binary}.rejected`);
      rmSync(recordFile(binary), { force: true });
      return null;
    }
  }
  const trouble = probe(binary);
  if (trouble !== null) {
    reasons.push(`cache ${binary}: ${trouble}`);
    return null;
  }
  await record(binary, 'found in the cache');
  return { path: binary, from: 'cache' };
}

async function install(
  drafted: string,
  folder: string,
  from: 'download' | 'go install',
): Promise<TemporalBinary> {
  chmodSync(drafted, 0o755);
  const trouble = probe(drafted);
  if (trouble !== null) throw new Error(`the result does not run: ${trouble}`);
  const binary = path.join(folder, executableName());
  renameSync(drafted, binary);
  await record(binary, from);
  return { path: binary, from };
}

/** Builds the CLI with the machine's Go. CGO off: no C compiler needed, and the binary runs beside any libc. */
function goInstall(draft: string, { env, say, signal }: ResolveOptions): Promise<string> {
  const go = process.platform === 'win32' ? 'go.exe' : 'go';
  return new Promise((resolve, reject) => {
    const began = Date.now();
    const seconds = () => Math.round((Date.now() - began) / 1000);
    const child = spawn(go, ['install', '-v', '-trimpath', '-ldflags=-s -w', GO_PACKAGE], {
      env: { ...env, GOBIN: draft, CGO_ENABLED: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal === undefined ? {} : { signal }),
      windowsHide: true,
    });
    const said: string[] = [];
    const hear = (chunk: unknown) => {
      said.push(...String(chunk).split('\n').filter(Boolean));
      said.splice(0, said.length - GO_OUTPUT_LINES);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const heartbeat = setInterval(
      () => say(`  still building (${seconds()} s) ${said.at(-1) ?? ''}`),
      HEARTBEAT_MS,
    );
    // Not spawn's own time-out: its timer outlives a program that could not be started.
    const limit = setTimeout(() => child.kill(), GO_INSTALL_MAX_MS);
    const clearTimers = () => {
      clearInterval(heartbeat);
      clearTimeout(limit);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimers();
      reject(error.code === 'ENOENT' ? new Error('Go is not installed (https://go.dev/dl/)') : error);
    });
    child.once('spawn', () =>
      say(`building Temporal ${TEMPORAL_VERSION} with go install (about 2 minutes, once per machine)`),
    );
    child.once('close', (code) => {
      clearTimers();
      const built = path.join(draft, executableName());
      if (code === 0 && existsSync(built)) return resolve(built);
      reject(new Error(`go install failed after ${seconds()} s: ${said.join(' | ') || `exit ${code}`}`));
    });
  });
}

function nothingWorked(reasons: readonly string[], folder: string): Error {
  return new Error(
    'There is no Temporal to start, and none could be fetched:\n' +
      reasons.map((reason) => `  - ${reason}\n`).join('') +
      'What you can do, one of:\n' +
      `  - put the Temporal CLI (https://github.com/temporalio/cli/releases/tag/v${TEMPORAL_VERSION}) at ${path.join(folder, executableName())}\n` +
      '  - set TEMPORAL_CLI to where you have it, or put it on PATH\n' +
      '  - set TEMPORAL_ADDRESS to a Temporal of your own (host:port)\n' +
      '  - behind a proxy, set HTTPS_PROXY',
  );
}

async function fetchIntoCache(
  folder: string,
  options: ResolveOptions,
  reasons: string[],
): Promise<TemporalBinary> {
  const draft = mkdtempSync(path.join(folder, 'draft-'));
  try {
    try {
      return await install(await downloadTemporal(draft, options.env, options.say), folder, 'download');
    } catch (error) {
      reasons.push(`download: ${messageOf(error)}`);
    }
    try {
      return await install(await goInstall(draft, options), folder, 'go install');
    } catch (error) {
      reasons.push(`go install ${GO_PACKAGE}: ${messageOf(error)}`);
    }
    throw nothingWorked(reasons, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * TEMPORAL_CLI -> `temporal` on PATH -> the user's cache -> official download -> `go install`.
 * TEMPORAL_CLI set but unusable is an error, not a reason to go on. Two resolvers at once: the second waits for the first.
 * Rejects with each attempt's reason and the ways out.
 */
export async function resolveTemporalBinary(options: ResolveOptions): Promise<TemporalBinary> {
  if (options.cli !== null) return fromVariable(options.cli);
  const reasons: string[] = [];
  const onPath = fromPath(options.env, reasons);
  if (onPath !== null) return onPath;
  const folder = cacheFolder(options.env);
  mkdirSync(folder, { recursive: true });
  const tell = (holder: LockHolder) =>
    options.say(`waiting for process ${holder.pid}, which is fetching Temporal`);
  const lock = await waitForLock(path.join(folder, 'lock'), LOCK_MAX_MS, tell, options.signal);
  try {
    return (await fromCache(folder, reasons)) ?? (await fetchIntoCache(folder, options, reasons));
  } finally {
    lock.release();
  }
}
