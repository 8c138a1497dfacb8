/** A Temporal server of a test's own, which it stops, starts again where it was, or finds empty. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { anyFreePort } from '../../src/embedded/ports';
import { startTemporal } from '../../src/embedded/temporal';
import type { RunningTemporal } from '../../src/embedded/temporal';
import { resolveTemporalBinary } from '../../src/embedded/temporalBinary';
import type { FreshNamespace } from '../environment/namespace';

export interface OwnTemporal extends FreshNamespace {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** While it is stopped: everything it kept is gone. */
  forget(): void;
  close(): Promise<void>;
}

/**
 * Runs when this resolves.
 * @param say hears how its binary is come by, which may take minutes
 */
export async function startOwnTemporal(say: (line: string) => void = () => undefined): Promise<OwnTemporal> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-temporal-'));
  const databaseFile = path.join(folder, 'temporal.db');
  const [port, uiPort] = [await anyFreePort(), await anyFreePort()];
  const binary = await resolveTemporalBinary({
    cli: process.env['TEMPORAL_CLI'] ?? null,
    env: process.env,
    say,
  });
  const namespace = 'default';
  const logFile = path.join(folder, 'temporal.log');
  const begin = (): Promise<RunningTemporal> =>
    startTemporal({ binary: binary.path, databaseFile, port, uiPort, namespace, logFile });
  let server = await begin();
  return {
    address: server.address,
    namespace,
    async start() {
      server = await begin();
    },
    stop: () => server.stop(),
    forget: () => rmSync(databaseFile),
    async close() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
