/** How the simulator is set up: by a caller's options, or by the environment. */

import { z } from 'zod';
import type { DeliverySchedule } from './deliveries';
import type { Random } from './ids';

export type SimulatorOptions = {
  /** 0 takes a free port. Environment: SIMULATOR_PORT */
  port?: number;
  /** Environment: HOST */
  host?: string;
  /** Folder of the journal; without it everything is forgotten at the end. Environment: SIMULATOR_DATA */
  dataDir?: string | undefined;
  /** Delay of every /v1 answer, half before processing and half after. Environment: SIMULATOR_LATENCY_MS */
  latencyMs?: number;
  /** Requests per second, 0 for no limit. Environment: SIMULATOR_RATE_LIMIT */
  rateLimitPerSecond?: number;
  /** An endpoint that is there from the start. Environment: SIMULATOR_WEBHOOK_URL, SIMULATOR_WEBHOOK_SECRET */
  webhook?: { url: string; secret: string } | undefined;
  /** Whether POST /_sim/faults exists. Environment: SIMULATOR_FAULTS=1 */
  faults?: boolean;
  /** How long an idempotency key is remembered. Environment: SIMULATOR_IDEMPOTENCY_HOURS */
  idempotencyHours?: number;
  maxEvents?: number;
  deliverySchedule?: Partial<DeliverySchedule>;
  /** Milliseconds since 1970. */
  clock?: () => number;
  random?: Random;
};

export const DEFAULT_PORT = 12_121;
export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_IDEMPOTENCY_HOURS = 24;

const number = (max: number, fallback: number) => z.coerce.number().min(0).max(max).default(fallback);

const environment = z.object({
  SIMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(DEFAULT_PORT),
  HOST: z.string().min(1).default(DEFAULT_HOST),
  SIMULATOR_DATA: z.string().min(1).optional(),
  SIMULATOR_LATENCY_MS: number(60_000, 0),
  SIMULATOR_RATE_LIMIT: number(1_000_000, 0),
  SIMULATOR_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
  SIMULATOR_WEBHOOK_SECRET: z.string().startsWith('whsec_').optional(),
  SIMULATOR_FAULTS: z.enum(['0', '1']).default('0'),
  SIMULATOR_IDEMPOTENCY_HOURS: number(8_760, DEFAULT_IDEMPOTENCY_HOURS),
});

/** Only a person can mend it: starting again is of no use. */
export class WrongOptions extends Error {
  override readonly name = 'WrongOptions';
}

/**
 * An empty variable counts as not given.
 * @throws WrongOptions naming every wrong variable at once
 */
export function optionsFromEnvironment(env: NodeJS.ProcessEnv): SimulatorOptions {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  const wrong = (parsed.error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if ('SIMULATOR_WEBHOOK_URL' in given !== 'SIMULATOR_WEBHOOK_SECRET' in given) {
    wrong.push('SIMULATOR_WEBHOOK_URL and SIMULATOR_WEBHOOK_SECRET: go together, one of them is missing');
  }
  if (!parsed.success || wrong.length > 0) {
    throw new WrongOptions(`The simulator's configuration is wrong:\n  ${wrong.join('\n  ')}`);
  }
  const values = parsed.data;
  return {
    port: values.SIMULATOR_PORT,
    host: values.HOST,
    dataDir: values.SIMULATOR_DATA,
    latencyMs: values.SIMULATOR_LATENCY_MS,
    rateLimitPerSecond: values.SIMULATOR_RATE_LIMIT,
    webhook:
      values.SIMULATOR_WEBHOOK_URL !== undefined && values.SIMULATOR_WEBHOOK_SECRET !== undefined
        ? { url: values.SIMULATOR_WEBHOOK_URL, secret: values.SIMULATOR_WEBHOOK_SECRET }
        : undefined,
    faults: values.SIMULATOR_FAULTS === '1',
    idempotencyHours: values.SIMULATOR_IDEMPOTENCY_HOURS,
  };
}
