/**
 * Stripe's own stand-in, stripe-mock, and the OpenAPI it was built from: they judge requests and answers, they are no
 * server to run against (they keep nothing). Built once per machine with its Go, into the user's cache folder.
 */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { waitForLock } from '../../src/embedded/lock';
import { cacheFolder } from '../../src/embedded/temporalBinary';

export const STRIPE_MOCK_VERSION = '0.203.0';
const MODULE = `github.com/stripe/stripe-mock@v${STRIPE_MOCK_VERSION}`;
const SPEC_IN_MODULE = path.join('embedded', 'openapi', 'spec3.json');
const GO_PROBE_MAX_MS = 20_000;
/** One run of Go. Measured on 2 cores: 45 s with an empty build cache. */
const GO_MAX_MS = 5 * 60_000;
/** Two runs of Go, or another test run's. */
export const BUILD_MAX_MS = 2 * GO_MAX_MS + 60_000;
const STARTED_MAX_MS = 20_000;

const exe = process.platform === 'win32' ? '.exe' : '';
const FOLDER = path.join(path.dirname(cacheFolder(process.env)), `stripe-mock-v${STRIPE_MOCK_VERSION}`);
const BINARY = path.join(FOLDER, `stripe-mock${exe}`);
const SPEC = path.join(FOLDER, 'spec3.json');

export interface StripeMock {
  readonly url: string;
  readonly spec: unknown;
  stop(): Promise<void>;
}

function isCached(): boolean {
  return existsSync(BINARY) && existsSync(SPEC);
}

/** null when there is a built one, or Go to build it with; else why there is none. */
export function whyNoStripeMock(): string | null {
  if (isCached()) return null;
  const probe = spawnSync(`go${exe}`, ['version'], { timeout: GO_PROBE_MAX_MS, windowsHide: true });
  if (probe.error === undefined && probe.status === 0) return null;
  return `stripe-mock ${STRIPE_MOCK_VERSION} is not in ${FOLDER}, and there is no Go (https://go.dev/dl/) to build it with`;
}

function go(args: readonly string[], env: NodeJS.ProcessEnv): string {
  const run = spawnSync(`go${exe}`, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: GO_MAX_MS,
    windowsHide: true,
  });
  if (run.error === undefined && run.status === 0) return run.stdout;
  const said = run.error?.message ?? run.stderr.trim().split('\n').slice(-6).join(' | ');
  throw new Error(`stripe-mock could not be built: "go ${args.join(' ')}" failed: ${said}`);
}

/** The specification lies in the module beside the source; both are put there together, or neither. */
function build(): void {
  const draft = mkdtempSync(path.join(FOLDER, 'draft-'));
  try {
    // CGO off: no C compiler needed.
    go(['install', '-trimpath', MODULE], { GOBIN: draft, CGO_ENABLED: '0' });
    const { Dir } = JSON.parse(go(['mod', 'download', '-json', MODULE], {})) as { Dir: string };
    copyFileSync(path.join(Dir, SPEC_IN_MODULE), path.join(draft, 'spec3.json'));
    renameSync(path.join(draft, 'spec3.json'), SPEC);
    renameSync(path.join(draft, `stripe-mock${exe}`), BINARY);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Builds it if need be. Two test runs at once: the second waits for the first. Rejects with what Go said. */
export async function buildStripeMock(say: (line: string) => void): Promise<void> {
  if (isCached()) return;
  mkdirSync(FOLDER, { recursive: true });
  const tell = (): void => say('waiting for another test run, which is building stripe-mock');
  const lock = await waitForLock(path.join(FOLDER, 'lock'), BUILD_MAX_MS, tell);
  try {
    if (isCached()) return;
    say(`building stripe-mock ${STRIPE_MOCK_VERSION} with go install (once per machine)`);
    build();
  } finally {
    lock.release();
  }
}

export async function startStripeMock(): Promise<StripeMock> {
  const child = spawn(BINARY, ['-http-addr', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    windowsHide: true,
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const address = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill();
      reject(new Error(`stripe-mock did not listen within ${STARTED_MAX_MS} ms`));
    }, STARTED_MAX_MS);
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`stripe-mock ended by itself (exit ${code})`)));
    // The lines go on to be read: a full pipe would stop it.
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /Listening for HTTP at address: (\S+)/.exec(line)?.[1];
      if (found === undefined) return;
      clearTimeout(late);
      resolve(found);
    });
  });
  return {
    url: `http://${address}`,
    spec: JSON.parse(readFileSync(SPEC, 'utf8')),
    stop: () => {
      child.kill();
      return ended;
    },
  };
}
