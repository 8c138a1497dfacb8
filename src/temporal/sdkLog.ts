/** What the SDK says, as lines of our own log. */
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { LogMetadata } from '@temporalio/worker';
import { connectionOfQueue } from './names';

export interface SdkLog {
  warn(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

/** The workers of connections run activities only, on purpose. */
const EXPECTED_WARNING = 'No workflows registered';

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Failures made for Temporal carry the reason they end in: codes, no values. */
function reasonOf(error: unknown): { code?: string | undefined; detail?: string | undefined } {
  const first: unknown = error instanceof ApplicationFailure ? error.details?.[0] : undefined;
  if (typeof first !== 'object' || first === null) return {};
  const { code, detail } = first as { code?: unknown; detail?: unknown };
  return { code: text(code), detail: text(detail) };
}

/** Ids and names of what it is about; the error's own fields go through the log's serializer, without its message. */
export function sdkFields(meta: LogMetadata = {}): object {
  const { error, target, activityType, workflowId, taskQueue } = meta;
  const fields = {
    target: text(target),
    activity: text(activityType),
    workflow: text(workflowId),
    connection: connectionOfQueue(text(taskQueue) ?? '') ?? undefined,
    ...reasonOf(error),
    err: error instanceof Error ? error : undefined,
  };
  return {
    sdk: true,
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
  };
}

/** To be called once, before any worker is made. The native core would else print coloured text past the log. */
export function logSdkThrough(log: SdkLog): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ message, meta }) => {
      log[message.startsWith(EXPECTED_WARNING) ? 'debug' : 'warn'](sdkFields(meta), message);
    }),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
  });
}
