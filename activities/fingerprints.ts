import type { Fields } from '../src/core/fields';
import type { ActivityDeps, LinkTools } from './deps';

/** What an intent knows that it replaces: of each field, the fingerprint of their value in canonical form. */
export function fingerprints(
  deps: Pick<ActivityDeps, 'fingerprint'>,
  { policy }: Pick<LinkTools, 'policy'>,
  fields: readonly string[],
  theirs: Fields,
): Record<string, string> {
  const pairs = fields.map((field) => {
    const canonical = policy.fields[field]?.canonical(theirs[field] ?? null) ?? null;
    return [field, deps.fingerprint(field, canonical)];
  });
  return Object.fromEntries(pairs);
}
