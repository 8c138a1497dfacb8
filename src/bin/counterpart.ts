#!/usr/bin/env node
/** The command `counterpart`. */
import path from 'node:path';
import { runCounterpart } from '../cli';
import { commandLineVariables } from '../config/apiAddress';
import { readDotenv } from '../config/sources';

/** Where `npm start` finds its `.env`. */
const root = path.resolve(__dirname, '..', '..', '..');

async function main(): Promise<void> {
  // Until a command has said how it ended: a process that runs out of work before has not done it.
  process.exitCode = 2;
  const { variables, wrong } = commandLineVariables(process.env, readDotenv(root));
  for (const line of wrong) process.stderr.write(`${line}\n`);
  process.exitCode = await runCounterpart(process.argv.slice(2), {
    env: variables,
    now: () => Date.now(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 2;
});
