/**
 * Stands in for `@temporalio/workflow`, as far as workflows/ uses it. The product's own workflow code is loaded with this in
 * its place (./moduleHook), and knows no difference.
 */
import { ActivityFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/common';
import { Continued, current, Scope } from './instance';
import type { WorkflowInfo } from './instance';

export {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TemporalFailure,
  TimeoutFailure,
} from '@temporalio/common';

export function isCancellation(error: unknown): boolean {
  if (error instanceof CancelledFailure) return true;
  return error instanceof ActivityFailure && error.cause instanceof CancelledFailure;
}

interface Definition {
  readonly type: 'signal' | 'query';
  readonly name: string;
}

export function defineSignal(name: string): Definition {
  return { type: 'signal', name };
}

export function defineQuery(name: string): Definition {
  return { type: 'query', name };
}

/** Queries are asked by nobody here. */
export function setHandler({ type, name }: Definition, handler: () => unknown): void {
  if (type === 'signal') current().listen(name, () => void handler());
}

type Scheduled = (...args: unknown[]) => Promise<unknown>;

function proxy(kind: 'local' | 'activity', options: ActivityOptions | LocalActivityOptions): unknown {
  const functions = new Map<string, Scheduled>();
  return new Proxy(
    {},
    {
      get(_, name) {
        if (typeof name !== 'string') throw new TypeError('Activities have names');
        const known = functions.get(name);
        if (known !== undefined) return known;
        const scheduled: Scheduled = (...args) => current().schedule(kind, name, args, options);
        const made = Object.assign(scheduled, {
          // summaries and other options of one call change nothing here
          executeWithOptions: (_options: object, args: readonly unknown[]) =>
            current().schedule(kind, name, args, options),
        });
        functions.set(name, made);
        return made;
      },
    },
  );
}

export function proxyActivities(options: ActivityOptions): unknown {
  return proxy('activity', options);
}

export function proxyLocalActivities(options: LocalActivityOptions): unknown {
  return proxy('local', options);
}

export function workflowInfo(): WorkflowInfo {
  return current().info;
}

export function upsertSearchAttributes(attributes: Record<string, unknown>): void {
  const { info, commands } = current();
  info.searchAttributes = { ...info.searchAttributes, ...attributes };
  commands.push({ kind: 'attributes', attributes: JSON.stringify(attributes) });
}

export function continueAsNew(input: unknown): Promise<never> {
  return Promise.reject(new Continued(JSON.stringify(input)));
}

export async function condition(holds: () => boolean, timeout?: number): Promise<boolean | void> {
  const held = await current().condition(holds, timeout ?? null);
  return timeout === undefined ? undefined : held;
}

export async function sleep(ms: number): Promise<void> {
  await current().condition(() => false, ms);
}

export class CancellationScope {
  private readonly scope = new Scope(current().scope);

  run<T>(work: () => Promise<T>): Promise<T> {
    const instance = current();
    const outside = instance.scope;
    instance.scope = this.scope;
    const leave = (): void => void (instance.scope = outside);
    try {
      return work().finally(leave);
    } finally {
      leave();
    }
  }

  cancel(): void {
    this.scope.cancel();
  }

  get consideredCancelled(): boolean {
    return this.scope.cancelled;
  }
}
