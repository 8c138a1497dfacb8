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

/** Both as one. An empty value counts as not set: compose files and shells leave `NAME=` behind. */
export function merge(
  env: Environment,
  dotenvText: string | undefined,
): { variables: Record<string, string>; sources: Record<string, Source> } {
  const variables: Record<string, string> = {};
  const sources: Record<string, Source> = {};
  const layers: [Source, Environment][] = [
    ['.env', dotenvText === undefined ? {} : parseEnv(dotenvText)],
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
