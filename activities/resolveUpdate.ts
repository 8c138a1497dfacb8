import type { IntentEnding } from '../src/store/intents';
import { noteCall } from './deps';
import { settleNotApplied, settleUnanswered } from './settle';
import type { StepResult } from './stepResult';
import { targetOf } from './takeUp';
import type { Sending } from './takeUp';
import { treatFailure } from './treatFailure';

/**
 * What became of an update that repeating its call cannot tell: the key may be forgotten, or answers with a stored
 * failure. The object itself tells, as far as it can.
 * @param ending of the intent, when nothing shows that it took effect
 */
export async function resolveUpdate(sending: Sending, ending: IntentEnding): Promise<StepResult> {
  const { deps, tools, link } = sending;
  const answer = await tools.remote.read(targetOf(link));
  noteCall(deps, link.connection, 'read', answer);
  if (answer.kind === 'failed') return treatFailure(deps, tools, link, answer.failure);
  if (answer.value.kind === 'deleted') return settleNotApplied(sending, answer.requestId, 'superseded');
  return settleUnanswered(sending, answer.value.object, answer.requestId, ending);
}
