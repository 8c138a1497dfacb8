import {
  ActivityFailure,
  ApplicationFailure,
  condition,
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
import { examiningActivities, queueActivities, sendingActivities, tracingActivities } from './proxies';
import { tendLinks } from './tendLinks';
import type { LinkEnd } from './tendLinks';

/** Continue as new from here on: far below the 1,000 events a run may have, with room for one more look. */
const HISTORY_MAX_EVENTS = 500;
/** One link's part in one look: examine and send; more of them where an intent has to be settled first. */
const STEPS_MAX = 6;
/**
 * What was hinted during a look rings within 250 ms of the ring before, and is waited for: so a stream of changes costs four
 * writes a second and not as many as there is time for. Twice as long, so that a ring which is lost delays the look and does
 * not lose it.
 */
const NEXT_RING_MS = 500;
/** Looks of one run that ask for another without a new hint; the last one says so, and the row rings again later. */
const RESTLESS_LOOKS_MAX = 8;

export interface RecordInput {
  readonly recordId: string;
}

export interface RecordResult {
  readonly looks: number;
  readonly outcome: 'in_sync' | 'parked' | 'waiting' | 'paused' | 'unfinished';
  readonly version: number | null;
  /** Per connection, the steps of the last look, e.g. `edited/edited merge push:email; update email`. */
  readonly steps: Readonly<Record<string, string>>;
}

const NO_ANSWER: Reason = { code: 'unavailable', field: null, detail: null };

function isReason(detail: unknown): detail is Reason {
  return typeof detail === 'object' && detail !== null && 'code' in detail;
}

/** Why an activity's attempts were used up, as far as it may be told. */
function reasonFor(failure: unknown): Reason {
  const cause = failure instanceof ActivityFailure ? failure.cause : undefined;
  const detail = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  return isReason(detail) ? detail : NO_ANSWER;
}

/** One link's part: examine and send in turns until it rests. Trouble that outlived its attempts leaves it unfinished. */
async function tendLink(link: OpenLink, note: (what: string) => void): Promise<LinkEnd> {
  const { examine } = examiningActivities(link.connection);
  const { send } = sendingActivities(link.connection);
  const { trace } = tracingActivities(link.connection);
  const steps = { examine, send, trace };
  const unfinished = (outcome: Unfinished['outcome'], reason: Reason): LinkEnd => ({
    kind: 'unfinished',
    unfinished: { ...link, outcome, reason },
  });
  let step: keyof typeof steps = 'examine';
  let summary = `${link.connection}: ${step}`;
  let direction: StepResult['direction'] = null;
  for (let taken = 0; taken < STEPS_MAX; taken += 1) {
    try {
      const result: StepResult = await steps[step].executeWithOptions({ summary }, [link]);
      const { next, what, reason } = result;
      note(what);
      direction = result.direction ?? direction;
      if (next === 'paused') return unfinished('paused', reason ?? NO_ANSWER);
      // It has moved on since it was sent, and one look writes once: else a stream of changes costs as many as there is time for.
      if (next === 'examine' && result.direction === 'out' && step !== 'trace') {
        return { kind: 'ended', link, result: { next: 'again', direction } };
      }
      if (!(next in steps)) return { kind: 'ended', link, result: { next, direction } };
      step = next as keyof typeof steps;
      summary = `${link.connection}: ${step} after ${what}`;
    } catch (error) {
      if (!(error instanceof ActivityFailure) && !isCancellation(error)) throw error;
      return unfinished('waiting', reasonFor(error));
    }
  }
  // still moving
  return { kind: 'ended', link, result: { next: 'again', direction } };
}

function noted(steps: Record<string, string>, connection: string, what: string): Record<string, string> {
  const before = steps[connection];
  return { ...steps, [connection]: before === undefined ? what : `${before}; ${what}` };
}

interface LookOutcome {
  /** `on_ring`: it moved on while it was looked at, and the ring that tells of it is on the way. */
  readonly again: 'no' | 'at_once' | 'on_ring';
  readonly outcome: RecordResult['outcome'];
}

/** Connections whose links a look had to leave out. */
interface LeftOut {
  readonly paused: readonly string[];
  readonly down: readonly string[];
}

function outcomeOf(ends: readonly LinkEnd[], left: LeftOut): RecordResult['outcome'] {
  const unfinished = ends.flatMap((end) => (end.kind === 'unfinished' ? [end.unfinished.outcome] : []));
  if (left.down.length > 0 || unfinished.includes('waiting')) return 'waiting';
  if (left.paused.length > 0 || unfinished.includes('paused')) return 'paused';
  return ends.some((end) => end.kind === 'ended' && end.result.next === 'parked') ? 'parked' : 'in_sync';
}

/** What the query tells, written while the run goes on. */
type Telling = { -readonly [Key in keyof RecordState]: RecordState[Key] };

/** Links that ask for look after look. One that a newer look has taken over is that look's to end. */
function restlessOf(ends: readonly LinkEnd[]): Unfinished[] {
  const reason: Reason = { code: 'restless', field: null, detail: null };
  return ends.flatMap((end) =>
    end.kind === 'ended' && end.result.next === 'again' ? [{ ...end.link, outcome: 'waiting', reason }] : [],
  );
}

/**
 * @param doorbell tells whether it rang since the look began, and takes a ring as heard
 * @param last of so many that came to no rest: it is closed all the same, and says so
 */
async function look(
  catalog: string,
  telling: Telling,
  doorbell: { readonly rung: () => boolean; readonly heard: () => void },
  last: boolean,
): Promise<LookOutcome> {
  const { recordId } = telling;
  telling.phase = 'opening';
  const opened = await queueActivities.openLook.executeWithOptions({ summary: 'open look' }, [
    { catalog, recordId },
  ]);
  if (opened.kind === 'nothing') return { again: 'no', outcome: 'in_sync' };
  telling.version = opened.version;
  telling.steps = {};
  telling.phase = 'looking';
  const tend = (link: OpenLink) =>
    tendLink(link, (what) => (telling.steps = noted(telling.steps, link.connection, what)));
  const { ends, left } = await tendLinks(opened.links, tend, {
    rung: doorbell.rung,
    isNew() {
      doorbell.heard();
      return queueActivities.hasNewer.executeWithOptions({ summary: 'is there a newer hint' }, [
        { catalog, recordId, seq: opened.seq },
      ]);
    },
  });
  telling.phase = 'closing';
  const results = ends.flatMap((end) => (end.kind === 'ended' ? [end.result] : []));
  const leftOut = { paused: opened.paused, down: opened.down ?? [] };
  const outcome = outcomeOf(ends, leftOut);
  // Not settled yet: the row is not acknowledged, so that it still stands if this run is killed before the next look.
  const unsettled = results.filter(({ next }) => next === 'again' || next === 'stale');
  const restless = last ? restlessOf(ends) : [];
  if (left || (unsettled.length > 0 && restless.length === 0)) {
    const sent = !left && unsettled.every(({ direction }) => direction === 'out');
    return { again: sent ? 'on_ring' : 'at_once', outcome };
  }
  const closed = await queueActivities.closeLook.executeWithOptions({ summary: 'close look' }, [
    {
      catalog,
      recordId,
      seq: opened.seq,
      unfinished: [
        ...ends.flatMap((end) => (end.kind === 'unfinished' ? [end.unfinished] : [])),
        ...restless,
      ],
      ...leftOut,
      direction: results.find((result) => result.direction !== null)?.direction ?? null,
    },
  ]);
  if (closed !== 'newer') return { again: 'no', outcome: restless.length > 0 ? 'waiting' : outcome };
  // What was brought here is for the other systems, and nobody else has to tell of it.
  const spreads = opened.links.length > 1 && results.some(({ direction }) => direction === 'in');
  return { again: spreads ? 'at_once' : 'on_ring', outcome };
}

/**
 * WHEN: the order of looks at one record. One run at a time per record (its workflow id), so its operations never
 * overlap. The run ends when nothing is left to look at: a quiet record has no open run.
 */
export async function syncRecord(catalog: string, input: RecordInput): Promise<RecordResult> {
  const { recordId } = input;
  // Every run begins with a look, one that continues another as well: so nothing pending has to be carried over.
  let dirty = true;
  let restless = 0;
  let outcome: RecordResult['outcome'] = 'in_sync';
  const doorbell = { rung: () => dirty, heard: () => void (dirty = false) };
  const telling: Telling = { recordId, phase: 'opening', looks: 0, version: null, steps: {} };
  setHandler(hintSignal, () => {
    dirty = true;
    restless = 0;
  });
  setHandler(stateQuery, () => telling);
  while (dirty) {
    dirty = false;
    telling.looks += 1;
    try {
      const looked = await look(catalog, telling, doorbell, restless + 1 >= RESTLESS_LOOKS_MAX);
      outcome = looked.outcome;
      restless = looked.again === 'no' ? 0 : restless + 1;
      if (looked.again !== 'no' && restless < RESTLESS_LOOKS_MAX) {
        if (looked.again === 'on_ring') await condition(() => dirty, NEXT_RING_MS);
        dirty = true;
      }
    } catch (error) {
      // Postgres did not answer: the row is untouched, its lease runs out and it rings again. (A local activity's last
      // error arrives bare, not wrapped in an ActivityFailure.)
      if (!(error instanceof TemporalFailure) || isCancellation(error)) throw error;
      outcome = 'unfinished';
    }
    if (dirty && workflowInfo().historyLength > HISTORY_MAX_EVENTS) {
      await continueAsNew<(input: RecordInput) => Promise<RecordResult>>({ recordId });
    }
  }
  telling.phase = 'done';
  if (outcome !== 'in_sync' && workflowInfo().searchAttributes['CounterpartCatalog'] !== undefined) {
    upsertSearchAttributes({ CounterpartOutcome: [outcome] });
  }
  const { looks, version, steps } = telling;
  return { looks, outcome, version, steps };
}
