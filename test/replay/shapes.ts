/**
 * Every shape a run can have, and by what its history shows it. A new kind of step, wait or end in a workflow is a new row
 * here; the test then asks for its history.
 */
import type { Event } from './histories';

export interface Shape {
  readonly story: string;
  readonly workflow: 'customer' | 'sweep' | 'requestSweeps';
  /** Whether this history is such a run, from its beginning to its end. */
  readonly shows: (run: Run) => boolean;
}

/** What is asked about a history. */
export interface Run {
  /** What it ended with, e.g. `COMPLETED`, `CONTINUED_AS_NEW`; null while it goes on. */
  readonly end: string | null;
  /** Kinds of events in their order, without `EVENT_TYPE_`. */
  readonly kinds: readonly string[];
  /** Activities in the order in which they were asked for, local ones as well. */
  readonly activities: readonly string[];
  /** What it returned. */
  readonly result: Readonly<Record<string, unknown>>;
  /** Whether a run went before it that continued as new. */
  readonly continued: boolean;
  /** The highest attempt of a remote activity. */
  readonly attempts: number;
  /** Causes of failed workflow tasks. */
  readonly failedTasks: readonly string[];
}

function decoded(payload: { data?: string } | undefined): unknown {
  if (payload?.data === undefined) return null;
  return JSON.parse(Buffer.from(payload.data, 'base64').toString('utf8'));
}

const kindOf = (event: Event): string => String(event['eventType']).replace('EVENT_TYPE_', '');
const END = /^WORKFLOW_EXECUTION_(COMPLETED|FAILED|CANCELED|TERMINATED|TIMED_OUT|CONTINUED_AS_NEW)$/;

function activityOf(event: Event): string[] {
  const scheduled = event['activityTaskScheduledEventAttributes'];
  if (scheduled !== undefined) return [scheduled.activityType.name];
  const marker = event['markerRecordedEventAttributes'];
  const data = decoded(marker?.details?.data?.payloads?.[0]) as { activity_type?: string } | null;
  return data?.activity_type === undefined ? [] : [data.activity_type];
}

export function runOf(events: readonly Event[]): Run {
  const kinds = events.map(kindOf);
  const last = events.at(-1);
  const result = decoded(last?.['workflowExecutionCompletedEventAttributes']?.result?.payloads?.[0]);
  const started = events[0]?.['workflowExecutionStartedEventAttributes'];
  return {
    end: END.exec(kinds.at(-1) ?? '')?.[1] ?? null,
    kinds,
    activities: events.flatMap(activityOf),
    result: typeof result === 'object' && result !== null ? (result as Run['result']) : {},
    continued: Boolean(started?.continuedExecutionRunId),
    attempts: Math.max(
      0,
      ...events.map((event) => Number(event['activityTaskStartedEventAttributes']?.attempt ?? 0)),
    ),
    failedTasks: events.flatMap((event) => {
      const failed = event['workflowTaskFailedEventAttributes'];
      return failed === undefined ? [] : [String(failed.cause)];
    }),
  };
}

const said = (run: Run, what: RegExp): boolean => what.test(JSON.stringify(run.result['steps']));
const outcome = (run: Run, wanted: string): boolean => run.result['outcome'] === wanted;
const times = (run: Run, kind: string): number => run.kinds.filter((one) => one === kind).length;
const did = (run: Run, ...activities: string[]): boolean => run.activities.join() === activities.join();
const quiet = (run: Run): boolean =>
  run.end === 'COMPLETED' && times(run, 'WORKFLOW_EXECUTION_SIGNALED') === 1;

export const SHAPES = {
  'change-out': {
    story: 'a change made here is sent',
    workflow: 'customer',
    shows: (run) => quiet(run) && said(run, /push:name; update/),
  },
  'change-in': {
    story: 'a change made there is taken',
    workflow: 'customer',
    shows: (run) => quiet(run) && did(run, 'openLook', 'examine', 'closeLook') && said(run, /pull:/),
  },
  'created-here': {
    story: 'a customer made here is created there',
    workflow: 'customer',
    shows: (run) => quiet(run) && said(run, /create-remote; create/),
  },
  'born-there': {
    story: 'a customer born there is made here',
    workflow: 'customer',
    shows: (run) => quiet(run) && did(run, 'openLook', 'examine', 'closeLook') && said(run, /none\/created/),
  },
  'deleted-here': {
    story: 'a customer deleted here is deleted there',
    workflow: 'customer',
    shows: (run) => quiet(run) && said(run, /deleted\/.*; delete/),
  },
  'deleted-there': {
    story: 'a customer deleted there is deleted here',
    workflow: 'customer',
    shows: (run) => quiet(run) && did(run, 'openLook', 'examine', 'closeLook') && said(run, /\/deleted/),
  },
  restored: {
    story: 'a deleted customer is restored, as a new one there',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && said(run, /restored\//),
  },
  'conflict-settled': {
    story: 'edited on both sides: ours is sent for one field, theirs is taken for another',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && said(run, /pull:email push:name/) && outcome(run, 'in_sync'),
  },
  'conflict-asked': {
    story: 'the same field edited on both sides, and a person is asked',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && said(run, /ask:/) && outcome(run, 'parked'),
  },
  parked: {
    story: 'what the other side would refuse is parked',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && outcome(run, 'parked') && !said(run, /ask:/),
  },
  waiting: {
    story: 'all attempts are used up: the run ends, the row waits',
    workflow: 'customer',
    shows: (run) =>
      run.end === 'COMPLETED' && outcome(run, 'waiting') && run.kinds.includes('ACTIVITY_TASK_FAILED'),
  },
  down: {
    story: 'the connection is known not to answer: nothing is tried',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && outcome(run, 'waiting') && did(run, 'openLook', 'closeLook'),
  },
  'answered-late': {
    story: 'an attempt fails and a later one does it',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && outcome(run, 'in_sync') && run.attempts > 1,
  },
  paused: {
    story: 'the connection is paused: its link is left out',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && outcome(run, 'paused') && did(run, 'openLook', 'closeLook'),
  },
  'paused-meanwhile': {
    story: 'the key is refused in the middle of a look: the connection pauses',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && outcome(run, 'paused') && run.activities.includes('examine'),
  },
  traced: {
    story: 'a create whose key is too old is looked for before anything is created',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && run.activities.includes('trace'),
  },
  'sent-apart': {
    story: 'what an examination has decided to send is sent in a step of its own',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && outcome(run, 'in_sync') && run.activities.includes('send'),
  },
  'several-links': {
    story: 'three links are tended at the same time',
    workflow: 'customer',
    shows: (run) =>
      run.end === 'COMPLETED' &&
      outcome(run, 'in_sync') &&
      run.activities.slice(1, 4).join() === 'examine,examine,examine',
  },
  'left-link': {
    story: 'a link without an answer is left, so that the others go on',
    workflow: 'customer',
    shows: (run) =>
      run.end === 'COMPLETED' &&
      run.activities.includes('hasNewer') &&
      run.kinds.includes('ACTIVITY_TASK_CANCEL_REQUESTED'),
  },
  restless: {
    story: 'looks that ask for another one stop after eight',
    workflow: 'customer',
    shows: (run) => quiet(run) && run.result['looks'] === 8,
  },
  'newer-rung': {
    story: 'a newer hint stands at the end of a look, and its ring comes',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && run.kinds.includes('TIMER_CANCELED'),
  },
  'newer-not-rung': {
    story: 'a newer hint stands at the end of a look, and its ring never comes',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && run.kinds.includes('TIMER_FIRED'),
  },
  'signal-during-look': {
    story: 'a hint during the look is looked at in the same run',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && run.result['looks'] === 2 && !quiet(run),
  },
  'signal-at-completion': {
    story:
      'a signal in the moment of completion: the task fails with UnhandledCommand, and the run looks again',
    workflow: 'customer',
    shows: (run) =>
      run.end === 'COMPLETED' && run.failedTasks.join() === 'WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND',
  },
  'continued-first': {
    story: 'a stream of changes: the first run continues as new',
    workflow: 'customer',
    shows: (run) => run.end === 'CONTINUED_AS_NEW' && !run.continued,
  },
  'continued-last': {
    story: 'a stream of changes: the run after it',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && run.continued,
  },
  cancelled: {
    story: 'a run cancelled by hand in the middle of a look',
    workflow: 'customer',
    shows: (run) => run.end === 'CANCELED' && run.activities.includes('examine'),
  },
  unfinished: {
    story: 'Postgres does not answer: the run ends, the row stays',
    workflow: 'customer',
    shows: (run) => run.end === 'COMPLETED' && outcome(run, 'unfinished'),
  },
  'nothing-to-do': {
    story: 'a ring about nothing',
    workflow: 'customer',
    shows: (run) => quiet(run) && did(run, 'openLook'),
  },
  'sweep-whole': {
    story: 'a sweep from its beginning to its end',
    workflow: 'sweep',
    shows: (run) => run.end === 'COMPLETED' && !run.continued && did(run, 'sweepBatch'),
  },
  'sweep-continued-first': {
    story: 'a long sweep: the first run, which waits and is rung, and continues as new',
    workflow: 'sweep',
    shows: (run) => run.end === 'CONTINUED_AS_NEW' && !run.continued && run.kinds.includes('TIMER_STARTED'),
  },
  'sweep-continued-last': {
    story: 'a long sweep: the run after it',
    workflow: 'sweep',
    shows: (run) => run.end === 'COMPLETED' && run.continued,
  },
  'sweep-trouble': {
    story: 'a batch of a sweep whose attempts are used up is tried again',
    workflow: 'sweep',
    shows: (run) => run.end === 'COMPLETED' && run.kinds.includes('ACTIVITY_TASK_FAILED'),
  },
  'sweeps-requested': {
    story: 'the schedule asks for a sweep of every connection',
    workflow: 'requestSweeps',
    shows: (run) => run.end === 'COMPLETED' && did(run, 'requestSweeps'),
  },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;
export const SHAPE_NAMES = Object.keys(SHAPES) as ShapeName[];

export function shapeOf(name: string): Shape | null {
  return Object.hasOwn(SHAPES, name) ? SHAPES[name as ShapeName] : null;
}
