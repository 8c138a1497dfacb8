import type { Fields } from '../src/core/fields';
import type { Reason } from '../src/core/reason';
import type { IntentKind } from '../src/store/intents';
import type { LinkTools } from './deps';
import { fingerprints } from './fingerprints';
import type { HeldLink } from './writeLink';

interface Writing extends HeldLink {
  readonly tools: LinkTools;
}

/** Fingerprints of what we know stands there now, where it is to be replaced. */
export function replacedBy(
  { deps, tools }: Writing,
  kind: IntentKind,
  values: Fields,
  theirs: Fields,
): Record<string, string> {
  const replaced = kind === 'delete' ? Object.keys(tools.policy.fields) : Object.keys(values);
  return fingerprints(deps, tools, replaced, theirs);
}

/**
 * Why the system refused for good what is to be sent: the same values, of the same version of the record, in place of the same
 * values there. Only an edit, or a person who asks for it, has it tried again. Where a person was asked, no edit is an answer.
 */
export function refusedBefore(
  work: Writing,
  kind: IntentKind,
  values: Fields,
  version: number,
  theirs: Fields,
): Reason | null {
  const { refused } = work.link;
  if (refused === null || refused.kind !== kind) return null;
  if (refused.version === null) return refused.reason;
  if (refused.version !== version) return null;
  const now = Object.entries(replacedBy(work, kind, values, theirs));
  const isSame = now.every(([field, there]) => refused.replaces[field] === there);
  return isSame && now.length === Object.keys(refused.replaces).length ? refused.reason : null;
}
