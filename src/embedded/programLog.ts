import { appendFileSync, existsSync, mkdirSync, renameSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';

import { z } from 'zod';

import { parseJson } from './json';

/** A log never grows beyond this; the one before it is kept as `.1`. */
const FILE_MAX_BYTES = 20 * 1024 * 1024;
/** More than this in the window goes to the file only: a broken part must not flood the terminal. */
const TERMINAL_MAX_LINES = 12;
const TERMINAL_WINDOW_MS = 10_000;
const LINE_MAX_CHARS = 600;
/** The same trouble is told once in this time; the file has each. */
const SAME_AGAIN_MS = 600_000;
/** So many different ones are remembered. */
const REMEMBERED_MAX_LINES = 200;
/** pino writes its levels as numbers, or as words where it is told to. */
const PINO_WARN = 40;
const LOUD_WORDS = new Set(['warn', 'error', 'fatal']);

/** What a line of ours says beside its message: which connection, and which code names the cause. */
const word = z.string().nullish().catch(null);
const pinoLine = z.object({
  level: z.union([z.number(), z.string()]),
  msg: z.string().optional(),
  connection: word,
  code: word,
  failure: word,
  detail: word,
  /** Of the native core of Temporal's SDK, which tells of its retries and of slow steps. */
  target: word,
  err: z.object({ message: z.string().optional(), type: word, code: word }).optional().catch(undefined),
});

/** The log of one part: DATA_DIR/logs/<name>.log, beginning anew at each start; that of the start before is kept, and no older one. */
export function openLog(logFolder: string, name: string): string {
  mkdirSync(logFolder, { recursive: true });
  const file = path.join(logFolder, `${name}.log`);
  if (existsSync(file) && statSync(file).size > 0) renameSync(file, `${file}.1`);
  appendFileSync(file, '');
  return file;
}

/**
 * For parts that write their log themselves (opened for appending, so cutting it under them is safe).
 * The embedded servers log warnings and errors only; reaching the bound means an error in a loop.
 */
export function capLog(file: string): void {
  if (existsSync(file) && statSync(file).size > FILE_MAX_BYTES) truncateSync(file, 0);
}

/** What a line is worth on the terminal; null when it is for the file only. */
export function terminalLine(line: string, stream: 'stdout' | 'stderr'): string | null {
  if (!line.startsWith('{'))
    return stream === 'stderr' && line.trim() !== '' ? line.slice(0, LINE_MAX_CHARS) : null;
  const parsed = pinoLine.safeParse(parseJson(line));
  if (!parsed.success) return stream === 'stderr' ? line.slice(0, LINE_MAX_CHARS) : null;
  const { level } = parsed.data;
  if (typeof level === 'number' ? level < PINO_WARN : !LOUD_WORDS.has(level)) return null;
  // What trouble with Temporal means is said by the worker's own lines.
  if (parsed.data.target != null) return null;
  const { connection, msg, code, failure, detail, err } = parsed.data;
  const cause = code ?? failure ?? err?.code ?? err?.type;
  const said = [connection, msg, err?.message, cause, detail].filter((text) => text != null && text !== '');
  return [...new Set(said)].join(': ').slice(0, LINE_MAX_CHARS);
}

export interface LogSink {
  write(chunk: string, stream: 'stdout' | 'stderr'): void;
  /** The last lines it wrote to stderr, for the message about its end. */
  lastWords(): string;
}

const LAST_WORDS_LINES = 8;

/** Splits a program's output into lines: all to its file, warnings and errors to the terminal too. */
export function logSink(
  file: string,
  name: string,
  say: (line: string) => void,
  now = () => Date.now(),
): LogSink {
  const partial = { stdout: '', stderr: '' };
  const words: string[] = [];
  let bytes = statSync(file).size;
  let windowStart = 0;
  let shown = 0;
  let withheld = 0;
  const toldAt = new Map<string, number>();
  const toldBefore = (text: string): boolean => {
    // numbers and request ids differ from one to the next
    const cause = text.replaceAll(/\b(?:req|cus|evt)_\w+|\d+/g, '#');
    const before = toldAt.get(cause);
    if (before !== undefined && now() - before < SAME_AGAIN_MS) return true;
    toldAt.delete(cause);
    toldAt.set(cause, now());
    const [oldest] = toldAt.keys();
    if (toldAt.size > REMEMBERED_MAX_LINES && oldest !== undefined) toldAt.delete(oldest);
    return false;
  };
  const show = (text: string, stream: 'stdout' | 'stderr') => {
    // what is no line of our log is part of a crash, whose every line counts
    if (stream === 'stdout' && toldBefore(text)) return;
    if (now() - windowStart > TERMINAL_WINDOW_MS) {
      if (withheld > 0) say(`${name}: … and ${withheld} more lines, see ${file}`);
      [windowStart, shown, withheld] = [now(), 0, 0];
    }
    if (shown < TERMINAL_MAX_LINES) say(`${name}: ${text}${stream === 'stdout' ? `; see ${file}` : ''}`);
    else withheld += 1;
    shown += 1;
  };
  return {
    write(chunk, stream) {
      bytes += Buffer.byteLength(chunk);
      if (bytes > FILE_MAX_BYTES) {
        renameSync(file, `${file}.1`);
        bytes = Buffer.byteLength(chunk);
      }
      appendFileSync(file, chunk);
      const lines = (partial[stream] + chunk).split('\n');
      partial[stream] = (lines.pop() ?? '').slice(0, LINE_MAX_CHARS * 10);
      for (const line of lines) {
        const text = terminalLine(line, stream);
        if (text === null) continue;
        words.push(text);
        words.splice(0, words.length - LAST_WORDS_LINES);
        show(text, stream);
      }
    },
    lastWords: () => words.join('\n'),
  };
}
