#!/usr/bin/env node
/** The command `counterpart`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { runCounterpart } from '../cli';
import { commandLineVariables } from '../config/apiAddress';
import { readDotenv } from '../config/sources';

/** Where `npm start` finds its `.env`. */
const root = path.resolve(__dirname, '..', '..', '..');

function ownVersion(): string {
  const text = readFileSync(path.join(root, 'package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

async function main(): Promise<void> {
  // Until a command has said how it ended: a process that runs out of work before has not done it.
  process.exitCode = 2;
  const { variables, wrong } = commandLineVariables(process.env, readDotenv(root));
  for (const line of wrong) process.stderr.write(`${line}\n`);
  process.exitCode = await runCounterpart(process.argv.slice(2), {
    env: variables,
    version: ownVersion(),
    now: () => Date.now(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 2;
});
