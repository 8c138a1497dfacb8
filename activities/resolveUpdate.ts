import { UNASKABLE } from '../src/core/failure';
import type { RemoteFailure } from '../src/core/failure';
import { same } from '../src/core/fields';
import type { Fields } from '../src/core/fields';
import type { IntentEnding } from '../src/store/intents';
import { noteCall } from './deps';
import { settleNotApplied, settleTold, settleUnanswered } from './settle';
import type { StepResult } from './stepResult';
import { targetOf } from './takeUp';
import type { Sending } from './takeUp';
import { treatFailure } from './treatFailure';

/** Postgres's clock and the system's may be two hours apart (failure 48), seconds. */
const MARGIN_S = 7_500;
const PAGE_EVENTS = 100;
/** As many as one attempt has time for. What is further back stays untold. */
const PAGES_MAX = 3;

type Told =
  | { readonly kind: 'made'; readonly fields: Fields }
  | { readonly kind: 'untold' }
  | { readonly kind: 'failed'; readonly failure: RemoteFailure };

/** An event tells what Postgres does not hold with this in its place: that must not be written here. */
const REPLACEMENT = '\uFFFD';

function isWhole(fields: Fields): boolean {
  return Object.values(fields).every((value) => typeof value !== 'string' || !value.includes(REPLACEMENT));
}

/**
 * What the update made of its object, by the event that its key caused: in which form our values stood there, whoever edited it
 * since. Where no event names the key nothing is known: the update changed nothing, its event comes late, or none is told.
 */
async function readEvent({ deps, tools, link, intent }: Sending): Promise<Told> {
  const { listEvents } = tools.connector;
  const since = (intent.firstSentAt ?? 0) - MARGIN_S;
  let before: string | null = null;
  for (let page = 0; page < PAGES_MAX && listEvents !== null; page += 1) {
    const answer = await listEvents({ before, limit: PAGE_EVENTS });
    noteCall(deps, link.connection, 'list_events', answer);
    if (answer.kind === 'failed')
      return UNASKABLE.has(answer.failure.kind)
        ? { kind: 'untold' }
        : { kind: 'failed', failure: answer.failure };
    const { events, hasMore } = answer.value;
    const ours = events.find(({ causedByKey }) => causedByKey === intent.key)?.subject ?? null;
    if (ours !== null && ours.remoteId === link.remoteId)
      return isWhole(ours.fields) ? { kind: 'made', fields: ours.fields } : { kind: 'untold' };
    const last = events.at(-1);
    if (!hasMore || last === undefined || last.createdAt < since) break;
    before = last.id;
  }
  return { kind: 'untold' };
}

/**
 * What became of an update that repeating its call cannot tell: the key may be forgotten, or answers with a stored
 * failure. Where its values do not all stand there its event is asked; else the object itself tells, as far as it can.
 * @param ending of the intent, when nothing shows that it took effect
 */
export async function resolveUpdate(sending: Sending, ending: IntentEnding): Promise<StepResult> {
  const { deps, tools, link, intent } = sending;
  const answer = await tools.remote.read(targetOf(link));
  noteCall(deps, link.connection, 'read', answer);
  if (answer.kind === 'failed') return treatFailure(deps, tools, link, answer.failure);
  const { value: reading, requestId } = answer;
  if (reading.kind === 'deleted') return settleNotApplied(sending, requestId, 'superseded');
  const stands = Object.entries(tools.policy.fields).every(([field, rule]) => {
    const sent = intent.values[field];
    return sent === undefined || same(rule, sent, reading.object.fields[field] ?? null);
  });
  const told = stands ? ({ kind: 'untold' } as const) : await readEvent(sending);
  if (told.kind === 'failed') return treatFailure(deps, tools, link, told.failure);
  if (told.kind === 'made') return settleTold(sending, reading.object, told.fields, requestId);
  return settleUnanswered(sending, reading.object, requestId, ending);
}
