import type { Effect } from '../ledger';
import type { Check, Evidence } from './evidence';

function byKey({ effects }: Evidence): Map<string, Effect[]> {
  const calls = new Map<string, Effect[]>();
  for (const effect of effects) {
    if (effect.by !== 'us' || effect.key === null) continue;
    const known = calls.get(effect.key);
    if (known === undefined) calls.set(effect.key, [effect]);
    else known.push(effect);
  }
  return calls;
}

const params = ({ connection, does, recordId, values, remoteId }: Effect): string =>
  JSON.stringify([
    connection,
    does,
    recordId,
    does === 'create' ? null : remoteId,
    Object.entries(values ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);

/** I9: the same key always carries the same params, and at most one intent is open for a link. */
export const i9OneKeyOneCall: Check = (evidence) => {
  const told: string[] = [];
  for (const [key, calls] of byKey(evidence)) {
    if (new Set(calls.map(params)).size > 1) told.push(`the key ${key} was sent with different params`);
    const intent = evidence.intents.get(key);
    // a reservation for which no call ever began may give way, and its intents with it
    if (intent === undefined) {
      if (calls.some(({ applied }) => applied))
        told.push(`the key ${key} was sent, and no intent was written down for it`);
    } else if (intent.sends === 0)
      told.push(`the intent ${key} was sent after it had been taken back (${intent.ending})`);
  }
  const open = new Map<number, number>();
  for (const { linkId, ending } of evidence.intents.values()) {
    if (ending === null) open.set(linkId, (open.get(linkId) ?? 0) + 1);
  }
  for (const [link, count] of open) if (count > 1) told.push(`link ${link} has ${count} open intents`);
  return told;
};

/** I17: what an intent asked for happened once or not at all, and a creation that happened is known. */
export const i17AtMostOnce: Check = (evidence) => {
  const told: string[] = [];
  for (const [key, calls] of byKey(evidence)) {
    const applied = calls.filter((call) => call.applied);
    const [first] = applied;
    if (applied.length > 1) told.push(`the intent ${key} took effect ${applied.length} times`);
    if (first?.does !== 'create') continue;
    const { remoteId, connection } = first;
    const isKnown = evidence.links.some(
      (link) => link.connection === connection && link.remoteId === remoteId,
    );
    const ending = evidence.intents.get(key)?.ending ?? null;
    const isDenied = ending !== 'done' && ending !== null;
    if (isKnown && !isDenied) continue;
    // somebody copied a mark over ours: then it may have become another record's
    if (remoteId !== null && evidence.remotes.copied.has(remoteId)) continue;
    if (!isKnown) told.push(`${remoteId} was created at ${connection} by ${key}, and no link knows it`);
    else told.push(`${remoteId} was created at ${connection} by ${key}, whose intent ended as "${ending}"`);
  }
  return told;
};
