/**
 * DO. Each activity has one effect: read our side and take the links (openLook), read the other side and write what was
 * decided (examine), send what was written down (send), find out what became of it (trace), acknowledge (closeLook).
 * May touch: src/core, src/catalogs, src/connectors, src/store. Touched by: src/temporal/worker; workflows take its types.
 */
import { ApplicationFailure } from '@temporalio/common';
import type { Acknowledgement } from '../src/store/workQueue';
import { closeLook } from './closeLook';
import type { LookEnd } from './closeLook';
import type { ActivityDeps } from './deps';
import { examine } from './examine';
import { ownTrouble } from './failures';
import { openLook } from './openLook';
import type { OpenedLook, OpenLink, RecordName } from './openLook';
import { trace } from './resolveUnknown';
import { send } from './send';
import type { StepResult } from './stepResult';

/** Activities that touch Postgres only; run as local activities of the workflow's own worker. */
export interface QueueActivities {
  readonly openLook: (name: RecordName) => Promise<OpenedLook>;
  readonly closeLook: (end: LookEnd) => Promise<Acknowledgement['kind']>;
}

/** Activities that call a remote system; on the task queue of their connection. */
export interface RemoteActivities {
  readonly examine: (link: OpenLink) => Promise<StepResult>;
  readonly send: (link: OpenLink) => Promise<StepResult>;
  readonly trace: (link: OpenLink) => Promise<StepResult>;
}

export type Activities = QueueActivities & RemoteActivities;

/** Lets only failures pass that were made for Temporal; anything else is logged here and crosses as class and code. */
function guarded<Input, Output>(
  deps: ActivityDeps,
  name: string,
  activity: (deps: ActivityDeps, input: Input) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    try {
      return await activity(deps, input);
    } catch (error) {
      if (error instanceof ApplicationFailure) throw error;
      deps.log.error({ err: error, activity: name }, 'an activity failed on our own side');
      throw ownTrouble(error);
    }
  };
}

export function createActivities(deps: ActivityDeps): Activities {
  return {
    openLook: guarded(deps, 'openLook', openLook),
    closeLook: guarded(deps, 'closeLook', closeLook),
    examine: guarded(deps, 'examine', examine),
    send: guarded(deps, 'send', send),
    trace: guarded(deps, 'trace', trace),
  };
}

export type { LookEnd, Unfinished } from './closeLook';
export type { OpenedLook, OpenLink, RecordName } from './openLook';
export type { StepResult } from './stepResult';
