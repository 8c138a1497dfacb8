/** A real Postgres of its own, whose clock and chance are the simulation's, for as long as some work takes. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { anyFreePort } from '../../../src/embedded/ports';
import { startPostgres } from '../../../src/embedded/postgres';
import { unprivilegedUser } from '../../../src/embedded/unprivilegedUser';
import { VirtualPostgres } from '../store/postgresDatabase';
import { prepareVirtual } from '../store/virtualPostgres';
import { drive } from './drive';
import type { Drive } from './verdict';

const DATABASE = 'simulation';

async function prepare(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`create database ${DATABASE}`);
  await client.end();
  const own = new URL(url);
  own.pathname = `/${DATABASE}`;
  await prepareVirtual(own.href);
  return own.href;
}

/** Runs `work` over a Postgres of its own, which is gone afterwards. */
export async function withPostgres<T>(work: (driven: Drive) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-sim-'));
  // as root, Postgres runs as another user, who must be able to enter
  if (unprivilegedUser() !== null) chmodSync(folder, 0o711);
  const server = await startPostgres({
    dataDir: folder,
    port: await anyFreePort(),
    logFile: path.join(folder, 'postgres.log'),
    durable: false,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  try {
    const postgres = await VirtualPostgres.open(await prepare(server.url));
    try {
      return await work((plan, options) =>
        drive(plan, { ...options, database: (ports) => postgres.begin(ports) }),
      );
    } finally {
      await postgres.close();
    }
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
