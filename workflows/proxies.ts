/** Activities by time-out profile. */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { QueueActivities, RemoteActivities, SweepActivities } from '../activities';

/**
 * Activities that may take longer than 14 s tell every few seconds that they are alive (src/temporal/worker.ts), so that the
 * work of a killed worker is taken up soon.
 */
const HEARTBEAT_TIMEOUT = '10 seconds';

/**
 * Postgres only, milliseconds when all is well. When Postgres is away the run ends soon and the row, which outlives it,
 * rings again when its lease is over.
 */
export const queueActivities = proxyLocalActivities<QueueActivities>({
  startToCloseTimeout: '12 seconds',
  scheduleToCloseTimeout: '30 seconds',
  retry: {
    initialInterval: '200 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '5 seconds',
    maximumAttempts: 4,
  },
});

/** A few attempts inside about a minute; then the look ends `waiting` and holds no run open. */
const REMOTE_ATTEMPTS = {
  scheduleToCloseTimeout: '75 seconds',
  retry: {
    initialInterval: '400 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '10 seconds',
    maximumAttempts: 5,
  },
} as const;

/** Two remote calls at most: it reads, and sends what it has decided to send. */
export function examiningActivities(connection: string) {
  return proxyActivities<Pick<RemoteActivities, 'examine'>>({
    taskQueue: `counterpart-${connection}`,
    startToCloseTimeout: '28 seconds',
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    ...REMOTE_ATTEMPTS,
  });
}

/**
 * Sends an open intent: one remote call as a rule; a repeated deletion is read before, and a 404 asks whose account it is. An
 * attempt is cut after 14 s, longer than the HTTP time-out (8 s), the wait for a slot (3 s) and the transactions around it, short
 * enough that the work of a killed worker is taken up within 15 s.
 */
export function sendingActivities(connection: string) {
  return proxyActivities<Pick<RemoteActivities, 'send'>>({
    taskQueue: `counterpart-${connection}`,
    startToCloseTimeout: '14 seconds',
    ...REMOTE_ATTEMPTS,
  });
}

/** Postgres only; asked for by the schedule. */
export const schedulingActivities = proxyLocalActivities<Pick<SweepActivities, 'requestSweeps'>>({
  startToCloseTimeout: '12 seconds',
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '1 minute',
    maximumAttempts: 10,
  },
});

/**
 * A few pages of the other side's list, or batches of our own rows. The place is kept in Postgres at each of them, so the
 * next attempt goes on from there.
 */
export function sweepingActivities(connection: string) {
  return proxyActivities<Pick<SweepActivities, 'sweepBatch'>>({
    taskQueue: `counterpart-${connection}`,
    startToCloseTimeout: '60 seconds',
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: {
      initialInterval: '1 second',
      backoffCoefficient: 2,
      maximumInterval: '30 seconds',
      maximumAttempts: 4,
    },
  });
}

/** Reading back lists and events for what an ambiguous create made: rare, and long on a busy account. */
export function tracingActivities(connection: string) {
  return proxyActivities<Pick<RemoteActivities, 'trace'>>({
    taskQueue: `counterpart-${connection}`,
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    scheduleToCloseTimeout: '25 minutes',
    retry: {
      initialInterval: '2 seconds',
      backoffCoefficient: 2,
      maximumInterval: '30 seconds',
      maximumAttempts: 3,
    },
  });
}
