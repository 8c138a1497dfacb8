import { SYSTEMS } from '../connectors/registry';
import type { Config } from './index';
import { VARIABLES } from './variables';

/** What only the command line reads. */
const OF_THE_COMMAND_LINE = ['COUNTERPART_URL', 'COUNTERPART_API_KEY'];

const KNOWN = new Set([
  ...Object.keys(VARIABLES),
  ...Object.values(SYSTEMS).flatMap(({ variables }) => Object.keys(variables)),
  ...OF_THE_COMMAND_LINE,
]);

/** Names nobody else would use: ours, and those that begin as one of a system's own does (`STRIPE_…`). */
const PREFIXES = new Set(['COUNTERPART_']);
for (const { variables } of Object.values(SYSTEMS)) {
  for (const name of Object.keys(variables)) PREFIXES.add(`${name.split('_', 1)[0]}_`);
}

/** What was set, looks like one of ours, and is read by nothing: usually a slip. One line each; never the value. */
export function unknownVariables({ sources }: Pick<Config, 'sources'>): string[] {
  return Object.entries(sources)
    .filter(([name]) => !KNOWN.has(name) && [...PREFIXES].some((prefix) => name.startsWith(prefix)))
    .map(([name, source]) => {
      const where = source === '.env' ? 'in .env' : 'in the environment';
      return `${name} is set ${where}, and nothing reads it: is it a slip? .env.example lists every variable.`;
    });
}
