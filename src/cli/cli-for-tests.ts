import type { Loose } from '../api/api-for-tests';
import { runCounterpart } from './index';

/** Runs one command as a terminal would, and keeps what it printed. */
export async function runCli(args: string[], env: Record<string, string>) {
  let out = '';
  let err = '';
  const code = await runCounterpart(args, {
    env,
    version: '1.2.3',
    now: () => Date.now(),
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  });
  return { code, out, err, lines: out.trimEnd().split('\n'), json: (): Loose => JSON.parse(out) };
}
