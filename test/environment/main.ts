/**
 * The process that holds Postgres and Temporal for one whole `npm test`. It prints one line of JSON
 * `{databaseUrl, temporalAddress, temporalUi, temporalError}` and ends, with all it started, when its input closes:
 * so whatever happens to the test runner, nothing stays behind.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { anyFreePort } from '../../src/embedded/ports';
import type { RunningPart } from '../../src/embedded/part';
import { startPostgres } from '../../src/embedded/postgres';
import { messageOf } from '../../src/embedded/processes';
import { startTemporal } from '../../src/embedded/temporal';
import { resolveTemporalBinary } from '../../src/embedded/temporalBinary';
import { unprivilegedUser } from '../../src/embedded/unprivilegedUser';

const say = (line: string) => process.stderr.write(`test environment: ${line}\n`);

/** As root, Postgres runs as another user, who must be able to enter; mkdtemp lets nobody else in. */
function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-test-'));
  if (unprivilegedUser() !== null) chmodSync(folder, 0o711);
  return folder;
}

async function startDatabase(folder: string, running: RunningPart[]): Promise<string> {
  const postgres = await startPostgres({
    dataDir: folder,
    port: await anyFreePort(),
    logFile: path.join(folder, 'postgres.log'),
    durable: false,
    say,
  });
  running.push(postgres);
  return postgres.url;
}

async function startTemporalServer(folder: string, running: RunningPart[]) {
  try {
    const binary = await resolveTemporalBinary({
      cli: process.env['TEMPORAL_CLI'] || null,
      env: process.env,
      say,
    });
    const temporal = await startTemporal({
      binary: binary.path,
      databaseFile: null,
      port: await anyFreePort(),
      uiPort: await anyFreePort(),
      namespace: 'default',
      logFile: path.join(folder, 'temporal.log'),
    });
    running.push(temporal);
    return { temporalAddress: temporal.address, temporalUi: temporal.uiUrl, temporalError: null };
  } catch (error) {
    return { temporalAddress: null, temporalUi: null, temporalError: messageOf(error) };
  }
}

async function main(): Promise<void> {
  const folder = temporaryFolder();
  const running: RunningPart[] = [];
  let ending: Promise<void> | null = null;
  const end = (): Promise<void> => {
    ending ??= Promise.allSettled(running.map((part) => part.stop())).then(() =>
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
    );
    return ending;
  };
  const inputClosed = new Promise<void>((resolve) => {
    process.stdin.once('end', resolve).once('error', resolve).once('close', resolve).resume();
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  try {
    const wantsTemporal = process.argv.includes('--temporal');
    const [databaseUrl, temporal] = await Promise.all([
      startDatabase(folder, running),
      wantsTemporal
        ? startTemporalServer(folder, running)
        : {
            temporalAddress: null,
            temporalUi: null,
            temporalError: 'not started: no selected test needs it',
          },
    ]);
    process.stdout.write(`${JSON.stringify({ databaseUrl, ...temporal })}\n`);
    await inputClosed;
  } finally {
    await end();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
