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

const recognised = new Map<string, Statement>();

function recognise(text: string): Statement {
  const found = ALL.filter(({ part }) => (typeof part === 'string' ? text.includes(part) : part.test(text)));
  if (found.length !== 1)
    throw new Error(
      `The memory Postgres ${found.length === 0 ? 'does not know' : 'knows several forms of'} this statement: ${text}`,
    );
  const statement = found[0]!.read(text);
  recognised.set(text, statement);
  return statement;
}

/** Runs a statement of src/store by its text, with its triggers. @throws for one that nobody wrote a twin of */
export function* runText(call: Call, text: string, values: readonly unknown[]): Waiting<Result> {
  const statement = recognised.get(text) ?? recognise(text);
  const outcome = statement(call, values);
  const answer = 'next' in outcome ? yield* outcome : outcome;
  yield* call.finish();
  return answer;
}
