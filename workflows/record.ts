import {
  ActivityFailure,
  ApplicationFailure,
  continueAsNew,
  isCancellation,
  setHandler,
  TemporalFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { OpenLink, StepResult, Unfinished } from '../activities';
import type { Reason } from '../src/core/reason';
import { hintSignal, stateQuery } from './messages';
import type { RecordState } from './messages';
import { queueActivities, remoteActivities, tracingActivities } from './proxies';

/** Continue as new from here on: far below the 1,000 events a run may have, with room for one more look. */
const HISTORY_MAX_EVENTS = 500;
/** One link's part in one look: finish an intent, examine, send, examine again, and once more for a late change. */
const STEPS_MAX = 6;
/** Looks of one run that ask for another without a new hint; beyond it the row rings again later. */
const RESTLESS_LOOKS_MAX = 8;

export interface RecordInput {
  readonly recordId: string;
  /** True in a continued run that was signalled before it began. */
  readonly pending?: boolean;
}

export interface RecordResult {
  readonly looks: number;
  readonly outcome: 'in_sync' | 'parked' | 'waiting' | 'paused' | 'unfinished';
  readonly version: number | null;
  /** Per connection, the steps of the last look, e.g. `edited/edited merge push:email; update email`. */
  readonly steps: Readonly<Record<string, string>>;
}

type LinkEnd =
  | { readonly kind: 'ended'; readonly result: StepResult }
  | { readonly kind: 'unfinished'; readonly unfinished: Unfinished };

const GOES_ON: ReadonlySet<StepResult['next']> = new Set(['examine', 'send', 'trace']);

const NO_ANSWER: Reason = { code: 'unavailable', field: null, detail: null };

function isReason(detail: unknown): detail is Reason {
  return typeof detail === 'object' && detail !== null && 'code' in detail;
}

/** Why an activity's attempts were used up, as far as it may be told. */
function reasonFor(failure: ActivityFailure): Reason {
  const detail = failure.cause instanceof ApplicationFailure ? failure.cause.details?.[0] : undefined;
  return isReason(detail) ? detail : NO_ANSWER;
}

/** One link's part: examine and send in turns until it rests. Trouble that outlived its attempts leaves it unfinished. */
async function tendLink(link: OpenLink, note: (what: string) => void): Promise<LinkEnd> {
  const { examine, send } = remoteActivities(link.connection);
  const { trace } = tracingActivities(link.connection);
  const step = (next: StepResult['next']) => (next === 'send' ? send : next === 'trace' ? trace : examine);
  let next: StepResult['next'] = 'examine';
  let direction: StepResult['direction'] = null;
  let what = '';
  for (let taken = 0; taken < STEPS_MAX; taken += 1) {
    try {
      const summary =
        what === '' ? `${link.connection}: ${next}` : `${link.connection}: ${next} after ${what}`;
      const result: StepResult = await step(next).executeWithOptions({ summary }, [link]);
      what = result.what;
      note(what);
      direction = result.direction ?? direction;
      if (result.next === 'paused') {
        const reason = result.reason ?? NO_ANSWER;
        return { kind: 'unfinished', unfinished: { ...link, outcome: 'paused', reason } };
      }
      if (!GOES_ON.has(result.next)) {
        return { kind: 'ended', result: { ...result, direction } };
      }
      next = result.next;
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return { kind: 'unfinished', unfinished: { ...link, outcome: 'waiting', reason: reasonFor(error) } };
    }
  }
  return {
    kind: 'ended',
    result: {
      next: 'again',
      what: 'still moving',
      version: null,
      direction,
      reason: null,
      requestId: null,
      remoteId: null,
    },
  };
}

function noted(steps: Record<string, string>, connection: string, what: string): Record<string, string> {
  const before = steps[connection];
  return { ...steps, [connection]: before === undefined ? what : `${before}; ${what}` };
}

interface LookOutcome {
  readonly again: boolean;
  readonly outcome: RecordResult['outcome'];
}

function outcomeOf(ends: readonly LinkEnd[], pausedSome: boolean): RecordResult['outcome'] {
  const unfinished = ends.flatMap((end) => (end.kind === 'unfinished' ? [end.unfinished.outcome] : []));
  if (unfinished.includes('waiting')) return 'waiting';
  if (pausedSome || unfinished.includes('paused')) return 'paused';
  return ends.some((end) => end.kind === 'ended' && end.result.next === 'parked') ? 'parked' : 'in_sync';
}

/**
 * WHEN: the order of looks at one record. One run at a time per record (its workflow id), so its operations never
 * overlap. The run ends when nothing is left to look at: a quiet record has no open run.
 */
export async function syncRecord(catalog: string, input: RecordInput): Promise<RecordResult> {
  const { recordId } = input;
  let dirty = true;
  let looks = 0;
  let restless = 0;
  let phase: RecordState['phase'] = 'opening';
  let version: number | null = null;
  let steps: Record<string, string> = {};
  setHandler(hintSignal, () => {
    dirty = true;
    restless = 0;
  });
  setHandler(stateQuery, () => ({ recordId, phase, looks, version, steps }));

  async function look(): Promise<LookOutcome> {
    phase = 'opening';
    const opened = await queueActivities.openLook.executeWithOptions({ summary: 'open look' }, [
      { catalog, recordId },
    ]);
    if (opened.kind === 'nothing') return { again: false, outcome: 'in_sync' };
    version = opened.version;
    steps = {};
    phase = 'looking';
    const ends = await Promise.all(
      opened.links.map((link) => tendLink(link, (what) => (steps = noted(steps, link.connection, what)))),
    );
    phase = 'closing';
    const results = ends.flatMap((end) => (end.kind === 'ended' ? [end.result] : []));
    const outcome = outcomeOf(ends, opened.paused.length > 0);
    // Not settled yet: the row is not acknowledged, so that it still stands if this run is killed before the next look.
    if (results.some((result) => result.next === 'again' || result.next === 'stale'))
      return { again: true, outcome };
    const closed = await queueActivities.closeLook.executeWithOptions({ summary: 'close look' }, [
      {
        catalog,
        recordId,
        seq: opened.seq,
        unfinished: ends.flatMap((end) => (end.kind === 'unfinished' ? [end.unfinished] : [])),
        paused: opened.paused,
        direction: results.find((result) => result.direction !== null)?.direction ?? null,
      },
    ]);
    return { again: closed === 'newer', outcome };
  }

  let outcome: RecordResult['outcome'] = 'in_sync';
  while (dirty) {
    dirty = false;
    looks += 1;
    try {
      const looked = await look();
      outcome = looked.outcome;
      restless = looked.again ? restless + 1 : 0;
      if (looked.again && restless < RESTLESS_LOOKS_MAX) dirty = true;
    } catch (error) {
      // Postgres did not answer: the row is untouched, its lease runs out and it rings again. (A local activity's last
      // error arrives bare, not wrapped in an ActivityFailure.)
      if (!(error instanceof TemporalFailure) || isCancellation(error)) throw error;
      outcome = 'unfinished';
    }
    if (dirty && workflowInfo().historyLength > HISTORY_MAX_EVENTS) {
      await continueAsNew<(input: RecordInput) => Promise<RecordResult>>({ recordId, pending: true });
    }
  }
  phase = 'done';
  if (outcome !== 'in_sync' && workflowInfo().searchAttributes['CounterpartCatalog'] !== undefined) {
    upsertSearchAttributes({ CounterpartOutcome: [outcome] });
  }
  return { looks, outcome, version, steps };
}
