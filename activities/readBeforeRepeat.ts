import type { RemoteObject } from '../src/connectors/connector';
import { editsLostToDeletion } from '../src/core/merge';
import { noteCall } from './deps';
import { fingerprints } from './fingerprints';
import { settle, settleDelete } from './settle';
import { stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { targetOf } from './takeUp';
import type { Sending } from './takeUp';
import { treatFailure } from './treatFailure';

/**
 * A DELETE whose outcome is not known may not have come through, and somebody may have edited the object since. It takes no
 * key, so repeating it would delete whatever stands there by now: the object is read first, and what is new there is recorded
 * as lost.
 * @returns null when the DELETE is to be repeated
 */
export async function readBeforeRepeat(sending: Sending): Promise<StepResult | null> {
  const { deps, tools, link } = sending;
  const answer = await tools.remote.read(targetOf(link));
  noteCall(deps, link.connection, 'read', answer);
  if (answer.kind === 'failed') {
    // Not found proves nothing; what the DELETE itself finds is judged with the account.
    return answer.failure.kind === 'gone' ? null : treatFailure(deps, tools, link, answer.failure);
  }
  if (answer.value.kind === 'deleted') return settleDelete(sending, answer.requestId);
  const noted = await noteLost(sending, answer.value.object);
  return noted.next === 'send' ? null : noted;
}

function noteLost(sending: Sending, { fields }: RemoteObject): Promise<StepResult> {
  const { deps, tools, intent } = sending;
  const now = fingerprints(deps, tools, Object.keys(tools.policy.fields), fields);
  return settle(sending, async ({ tx, link }, record) => {
    const survivor = {
      side: 'theirs' as const,
      fields,
      ...(record.kind === 'absent' ? {} : { remembered: record.fields }),
    };
    const lost = editsLostToDeletion(link.base, survivor, tools.policy);
    const unseen = lost.filter(({ field }) => intent.replaces[field] !== now[field]);
    await tx.conflicts.recordLost(link, unseen);
    await tx.intents.noteReplaces(intent.key, now);
    return stepResult('send', 'it stands there still');
  });
}
