import type { Call, Result, Waiting } from '../call';
import { ADOPTION } from './adoption';
import { CONNECTIONS } from './connections';
import { CUSTOMERS } from './customers';
import { DELETES } from './deletes';
import { FENCED_WRITES } from './fencedWrites';
import { CURSORS, ENDPOINTS } from './inbox';
import { INTENTS } from './intents';
import type { Known, Statement } from './known';
import { LINKS } from './links';
import { PACES } from './paces';
import { QUEUE } from './queue';
import { RECORDS } from './records';
import { SWEEPS } from './sweeps';
import { SWEEP_READINGS } from './sweepReadings';

const ALL: readonly Known[] = [
  ...ADOPTION,
  ...CONNECTIONS,
  ...CURSORS,
  ...CUSTOMERS,
  ...DELETES,
  ...ENDPOINTS,
  ...FENCED_WRITES,
  ...INTENTS,
  ...LINKS,
  ...PACES,
  ...QUEUE,
  ...RECORDS,
  ...SWEEPS,
  ...SWEEP_READINGS,
];

interface Recognised {
  readonly text: string;
  readonly statement: Statement;
}

/** By the function of the store: its texts are few, and to compare them costs less than to look one of them up by itself. */
const recognised = new Map<string, Recognised[]>();

function recognise(text: string): Statement {
  const found = ALL.filter(({ part }) => (typeof part === 'string' ? text.includes(part) : part.test(text)));
  if (found.length !== 1)
    throw new Error(
      `The memory Postgres ${found.length === 0 ? 'does not know' : 'knows several forms of'} this statement: ${text}`,
    );
  return found[0]!.read(text);
}

function statementOf(label: string, text: string): Statement {
  let texts = recognised.get(label);
  if (texts === undefined) {
    texts = [];
    recognised.set(label, texts);
  }
  for (const one of texts) if (one.text === text) return one.statement;
  const statement = recognise(text);
  texts.push({ text, statement });
  return statement;
}

function* throughout(call: Call, outcome: Waiting<Result>): Waiting<Result> {
  const answer = yield* outcome;
  if (call.hasTriggers) yield* call.finish();
  return answer;
}

function* triggered(call: Call, answer: Result): Waiting<Result> {
  yield* call.finish();
  return answer;
}

/**
 * Runs a statement of src/store by its text, with its triggers. @throws for one that nobody wrote a twin of
 * @param label the function of the store that it belongs to
 * @returns its result at once when it can neither wait nor set off a trigger
 */
export function runText(
  call: Call,
  label: string,
  text: string,
  values: readonly unknown[],
): Result | Waiting<Result> {
  const outcome = statementOf(label, text)(call, values);
  if ('next' in outcome) return throughout(call, outcome);
  return call.hasTriggers ? triggered(call, outcome) : outcome;
}
