#!/usr/bin/env node
/** The command `counterpart`. */
import { runCounterpart } from '../cli';

async function main(): Promise<void> {
  process.exitCode = await runCounterpart(process.argv.slice(2), {
    env: process.env,
    now: () => Date.now(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 2;
});
