import { setTimeout as sleep } from 'node:timers/promises';
import type { LimiterPorts } from './limiter';

/** The time of this process, for pauses only: moments that processes share are Postgres's. */
export const PROCESS_TIME: Pick<LimiterPorts, 'now' | 'sleep'> = {
  now: () => performance.now(),
  sleep: (ms) => sleep(ms),
};
