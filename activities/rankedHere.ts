import type { FieldRule, Policy } from '../src/core/fields';
import { heldBy, policyByRank } from '../src/core/rank';
import type { Held } from '../src/core/rank';
import type { LocalRecord } from '../src/core/sides';
import type { Link } from '../src/store/links';
import type { Statements } from '../src/store/store';
import type { ActivityDeps, LinkTools } from './deps';

/**
 * Which of the record's values came from other systems, and the policy that follows for this link. Read while the record
 * is locked: whoever pulls holds the same lock. The order of the connections is their rank, the highest first.
 */
export async function rankedHere(
  deps: ActivityDeps,
  tx: Statements,
  { policy }: LinkTools,
  link: Link,
  record: LocalRecord,
): Promise<{ readonly held: Held; readonly policy: Policy }> {
  if (deps.connectors.size < 2 || record.kind !== 'live') return { held: {}, policy };
  const order = [...deps.connectors.keys()];
  const links = await tx.links.newestOfRecord(link.catalog, link.recordId);
  const others = links
    .filter(({ connection, state }) => connection !== link.connection && state === 'linked')
    .map(({ connection, base }) => ({ connection, base, rank: order.indexOf(connection) }))
    // a connection that is not configured any more has no say
    .filter(({ rank }) => rank >= 0);
  const held = heldBy(others, record.fields, policy);
  return { held, policy: policyByRank(policy, held, order.indexOf(link.connection)) };
}

/**
 * The policy after an older backup was restored: what stands here is older than what stands there, whatever the rank. A person
 * who wants to be asked is asked.
 */
export function remoteLivedOn(policy: Policy): Policy {
  const fields = Object.entries(policy.fields).map(([field, rule]): [string, FieldRule] => [
    field,
    rule.onConflict === 'ask' ? rule : { ...rule, onConflict: 'remote' },
  ]);
  return { ...policy, fields: Object.fromEntries(fields) };
}
