import { z } from 'zod';
import { merge, type Environment } from './sources';
import { VARIABLES } from './variables';

const schema = z.object({ HOST: VARIABLES.HOST, PORT: VARIABLES.PORT });

/** How this machine reaches a server that listens on `host`, which may be an address one cannot connect to. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '[::]') return '127.0.0.1';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function urlOf(settings: z.output<typeof schema>): string {
  return `http://${reachableHost(settings.HOST)}:${settings.PORT}`;
}

/** Where the API stands when nothing is configured and its port is free. */
export const API_URL_BY_DEFAULT = urlOf(schema.parse({}));

/**
 * What the command line needs to find the API: COUNTERPART_URL where it is set, else HOST and PORT as the API reads them.
 * PORT=0 tells nothing, nor does a wrong value; both leave the default.
 * @returns environment and `.env` as one, with COUNTERPART_URL set, and a sentence about each value that was wrong
 */
export function commandLineVariables(
  env: Environment,
  dotenvText?: string,
): { readonly variables: Record<string, string>; readonly wrong: readonly string[] } {
  const { variables } = merge(env, dotenvText);
  if (variables['COUNTERPART_URL'] !== undefined) return { variables, wrong: [] };
  const settings = schema.safeParse(variables);
  const known = settings.success && settings.data.PORT !== 0;
  const url = known ? urlOf(settings.data) : API_URL_BY_DEFAULT;
  const wrong = (settings.error?.issues ?? []).map(
    ({ path: [name], message }) => `${String(name)} ${message}. ${url} is asked instead.`,
  );
  return { variables: { COUNTERPART_URL: url, ...variables }, wrong };
}
