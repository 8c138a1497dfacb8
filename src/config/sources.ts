/** Where settings come from: the environment, then `.env`. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';

export type Source = 'environment' | '.env' | 'default';
export type Environment = Readonly<Record<string, string | undefined>>;

/** The text of `.env` beside package.json, or undefined when there is none. */
export function readDotenv(folder: string = process.cwd()): string | undefined {
  const file = path.join(folder, '.env');
  if (!existsSync(file)) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${file} exists but cannot be read: check its permissions`, { cause: error });
  }
}

/** `NAME=value`, `export NAME=value`, a comment, or nothing. */
const DOTENV_LINE = /^\s*(?:#.*|(?:export\s+)?[A-Za-z_][\w.-]*\s*=\s*(.*))?$/;

/** Whether a value opens with a quote that this line does not close. */
function openQuote(value: string): string | null {
  const quote = /^["'`]/.exec(value)?.[0] ?? null;
  return quote === null || value.includes(quote, 1) ? null : quote;
}

/**
 * The lines that set something, and the numbers of those that are neither that nor a comment. Left in, such a line would take the next
 * one with it: Node's parser reads on to the next `=`.
 */
function sortLines(text: string): { readonly read: string; readonly wrong: readonly number[] } {
  const lines = text.split(/\r?\n/);
  const wrong: number[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const parsed = DOTENV_LINE.exec(lines[at] ?? '');
    if (parsed === null) wrong.push(at);
    const quote = openQuote(parsed?.[1] ?? '');
    // a value in quotes may go on over several lines
    const end = quote === null ? -1 : lines.findIndex((line, i) => i > at && line.includes(quote));
    if (end > at) at = end;
  }
  return { read: lines.filter((_, at) => !wrong.includes(at)).join('\n'), wrong };
}

/** Lines of `.env` that set nothing, one sentence each, without what stands there. */
export function dotenvMistakes(text: string): string[] {
  return sortLines(text).wrong.map((at) => `Line ${at + 1} of .env is no NAME=value: it sets nothing.`);
}

/** Both as one. An empty value counts as not set: compose files and shells leave `NAME=` behind. */
export function merge(
  env: Environment,
  dotenvText: string | undefined,
): { variables: Record<string, string>; sources: Record<string, Source> } {
  const variables: Record<string, string> = {};
  const sources: Record<string, Source> = {};
  const layers: [Source, Environment][] = [
    ['.env', dotenvText === undefined ? {} : parseEnv(sortLines(dotenvText).read)],
    ['environment', env],
  ];
  for (const [source, layer] of layers) {
    for (const [name, value] of Object.entries(layer)) {
      const trimmed = value?.trim();
      if (trimmed === undefined || trimmed === '') continue;
      variables[name] = trimmed;
      sources[name] = source;
    }
  }
  return { variables, sources };
}
