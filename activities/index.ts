/**
 * DO. Each activity has one effect: read our side and take the links (openLook), read the other side and write what was
 * decided (examine), send what was written down (send), find out what became of it (trace), acknowledge (closeLook).
 * `sweep/` compares everything, a batch at a time, and makes hints of what it finds.
 * May touch: src/core, src/catalogs, src/connectors, src/store. Touched by: src/temporal/worker; workflows take its types.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { Acknowledgement } from '../src/store/workQueue';
import { closeLook } from './closeLook';
import type { LookEnd } from './closeLook';
import type { ActivityDeps } from './deps';
import { examine, examineLink } from './examine';
import { hasNewer } from './hasNewer';
import type { AnsweredHint } from './hasNewer';
import { ownTrouble } from './failures';
import { openLook } from './openLook';
import type { OpenedLook, OpenLink, RecordName } from './openLook';
import { send, sendTaken } from './send';
import type { StepResult } from './stepResult';
import type { Sending } from './takeUp';
import { requestSweeps } from './sweep/requestSweeps';
import { sweepBatch } from './sweep/sweepBatch';
import type { SweepBatch, SweptConnection } from './sweep/sweepBatch';
import { trace } from './trace';

/** Activities that touch Postgres only; run as local activities of the workflow's own worker. */
export interface QueueActivities {
  readonly openLook: (name: RecordName) => Promise<OpenedLook>;
  readonly hasNewer: (hint: AnsweredHint) => Promise<boolean>;
  readonly closeLook: (end: LookEnd) => Promise<Acknowledgement['kind']>;
}

/** Activities that call a remote system; on the task queue of their connection. */
export interface RemoteActivities {
  readonly examine: (link: OpenLink) => Promise<StepResult>;
  readonly send: (link: OpenLink) => Promise<StepResult>;
  readonly trace: (link: OpenLink) => Promise<StepResult>;
}

/** Full comparisons: asking for them, with the workflows; making them, on the task queue of their connection. */
export interface SweepActivities {
  readonly requestSweeps: () => Promise<number>;
  readonly sweepBatch: (swept: SweptConnection) => Promise<SweepBatch>;
}

export type Activities = QueueActivities & RemoteActivities;

/** Lets only failures pass that were made for Temporal; anything else is logged here and crosses as class and code. */
function guarded<Input, Output>(
  deps: ActivityDeps,
  name: string,
  activity: (deps: ActivityDeps, input: Input) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const log = deps.log.child({ activity: name, ...deps.logContext() });
    try {
      return await activity({ ...deps, log }, input);
    } catch (error) {
      if (error instanceof ApplicationFailure) throw error;
      log.error({ err: error }, 'an activity failed on our own side');
      throw ownTrouble(error);
    }
  };
}

/** A step of a look, told in one line of the log. */
function step(
  deps: ActivityDeps,
  name: string,
  activity: (deps: ActivityDeps, link: OpenLink) => Promise<StepResult>,
): (link: OpenLink) => Promise<StepResult> {
  return guarded(deps, name, async (scoped, link: OpenLink) => {
    const result = await activity(scoped, link);
    const { next, what, version, requestId, remoteId, reason } = result;
    scoped.log.info(
      {
        connection: link.connection,
        remote_id: remoteId,
        remote_request_id: requestId,
        version,
        next,
        what,
        ...(reason === null ? {} : { reason: reason.code }),
      },
      'step',
    );
    return result;
  });
}

export function createActivities(deps: ActivityDeps): Activities & SweepActivities {
  return {
    openLook: guarded(deps, 'openLook', openLook),
    hasNewer: guarded(deps, 'hasNewer', hasNewer),
    closeLook: guarded(deps, 'closeLook', closeLook),
    requestSweeps: guarded<void, number>(deps, 'requestSweeps', requestSweeps),
    sweepBatch: guarded(deps, 'sweepBatch', sweepBatch),
    examine: step(deps, 'examine', examine),
    send: step(deps, 'send', send),
    trace: step(deps, 'trace', trace),
  };
}

/**
 * The activities, with an examination that sends the intent it has written in the same attempt: a change outward then costs one
 * activity instead of two. The intent is committed before; where the call fails, the next attempt finds it open and finishes it.
 */
export function sendingAtOnce(deps: ActivityDeps): Activities & SweepActivities {
  async function examineAndSend(link: OpenLink): Promise<StepResult> {
    const written: Sending[] = [];
    const examined = await step(deps, 'examine', async (scoped, open) => {
      const { result, sending } = await examineLink(scoped, open);
      if (sending !== null) written.push(sending);
      return result;
    })(link);
    if (examined.next !== 'send') return examined;
    const [sending] = written;
    const sent = await step(deps, 'send', (scoped, open) =>
      sending === undefined ? send(scoped, open) : sendTaken({ ...sending, deps: scoped }),
    )(link);
    return {
      ...sent,
      what: `${examined.what}; ${sent.what}`,
      version: sent.version ?? examined.version,
      direction: sent.direction ?? examined.direction,
    };
  }
  return { ...createActivities(deps), examine: examineAndSend };
}

export type { LookEnd, Unfinished } from './closeLook';
export type { OpenedLook, OpenLink, RecordName } from './openLook';
export type { StepResult } from './stepResult';
export type { SweepBatch, SweptConnection } from './sweep/sweepBatch';
