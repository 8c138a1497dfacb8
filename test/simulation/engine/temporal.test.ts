/** The simulated Temporal against what the real one is known to do (docs.temporal.io/workflow-execution, /retry-policies). */
import { ApplicationFailure } from '@temporalio/common';
import { chanceOf } from '../world/chance';
import type { Violation } from './outcome';
import { Scheduler } from './scheduler';
import type { Owner } from './sleepers';
import { Temporal } from './temporal';
import {
  ActivityFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from './workflow';
import { WorkflowWorker } from './workflowWorker';
import type { Activity } from './workflowWorker';

type Workflow = (input: never) => Promise<unknown>;
type Calls = Record<'work' | 'note', (...args: unknown[]) => Promise<string>>;

const hint = defineSignal('hint');
const options = {
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '1 second', maximumAttempts: 3 },
};
const far = proxyActivities(options) as Calls;
const near = proxyLocalActivities(options) as Calls;

function place(workflow: Workflow, activities: Record<string, Activity>, seed = 1) {
  const chance = chanceOf(seed);
  const scheduler = new Scheduler({ chance, start_ms: 0, stepsMax: 5_000 });
  const temporal = new Temporal(scheduler, chance);
  const violations: Violation[] = [];
  const passes = (ms: number): Promise<void> => scheduler.nap(temporal.owner, ms, 'time passes').over;
  return {
    scheduler,
    temporal,
    violations,
    passes,
    start(): { owner: Owner; worker: WorkflowWorker } {
      const owner: Owner = { name: 'worker', alive: true };
      const worker = new WorkflowWorker({
        owner,
        turns: scheduler.turnsOf(owner),
        scheduler,
        temporal,
        workflows: { toy: workflow as (input: unknown) => Promise<unknown> },
        activitiesFor: () => activities,
        violate: (violation) => void violations.push(violation),
        crossed: null,
      });
      temporal.workers.push(worker);
      temporal.handOut();
      return { owner, worker };
    },
    end({ owner, worker }: { owner: Owner; worker: WorkflowWorker }): void {
      owner.alive = false;
      temporal.workers.splice(temporal.workers.indexOf(worker), 1);
    },
    ring: (): void => temporal.signalWithStart('toy/1', 'toy', '{}', 'hint'),
    async untilClosed(): Promise<void> {
      await scheduler.run(() => temporal.runsOpen === 0 || violations.length > 0);
      expect(violations).toEqual([]);
    },
    seen: () => temporal.all().map((execution) => execution.seen()),
  };
}

test('a ring starts a run, a second one tells the open run: never two open runs of one id', async () => {
  let heard = 0;
  const at = place(async () => {
    setHandler(hint, () => void (heard += 1));
    await condition(() => heard === 2);
  }, {});
  at.start();
  at.ring();
  at.ring();
  expect(at.temporal.runsOpen).toBe(1);
  await at.untilClosed();
  expect(heard).toBe(2);
  expect(at.seen()).toMatchObject([{ ending: 'completed' }]);
});

test('a run that would end while a signal came is not ended: its task is done again with the signal, what a local activity did is done again', async () => {
  let runs = 0;
  const at = place(
    async () => {
      let dirty = true;
      setHandler(hint, () => void (dirty = true));
      while (dirty) {
        dirty = false;
        await near.note();
      }
    },
    {
      async note() {
        runs += 1;
        if (runs === 1) at.ring();
        return 'noted';
      },
    },
  );
  at.start();
  at.ring();
  await at.untilClosed();
  expect(at.seen()).toMatchObject([{ ending: 'completed', failedTasks: { UnhandledCommand: 1 } }]);
  expect(runs).toBeGreaterThan(1);
});

test('an activity fails twice and is tried again after its pauses; a failure that must not be retried is the last', async () => {
  const times: number[] = [];
  let ended: unknown = null;
  const at = place(
    async () => {
      const first = await far.work();
      try {
        await far.note();
      } catch (error) {
        ended = error;
      }
      return first;
    },
    {
      async work() {
        times.push(at.scheduler.now_ms());
        if (times.length < 3) throw ApplicationFailure.create({ type: 'Trouble', message: 'no' });
        return 'done';
      },
      async note() {
        throw ApplicationFailure.create({
          type: 'Last',
          message: 'no',
          details: [{ code: 'x' }],
          nonRetryable: true,
        });
      },
    },
  );
  at.start();
  at.ring();
  await at.untilClosed();
  expect(times).toHaveLength(3);
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(1_000);
  expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(2_000);
  expect(ended).toBeInstanceOf(ActivityFailure);
  expect((ended as ActivityFailure).cause).toMatchObject({ type: 'Last', details: [{ code: 'x' }] });
});

test('an attempt that is too long is tried again; the late answer of the first is not taken, its effect is real', async () => {
  const effects: string[] = [];
  let calls = 0;
  let result = '';
  const at = place(
    async () => {
      result = await far.work();
      await condition(() => effects.length === 2);
    },
    {
      async work() {
        calls += 1;
        const mine = `attempt ${calls}`;
        await at.passes(calls === 1 ? 60_000 : 1);
        effects.push(mine);
        return mine;
      },
    },
  );
  at.start();
  at.ring();
  await at.scheduler.run(() => effects.length === 2);
  expect(effects).toEqual(['attempt 2', 'attempt 1']);
  expect(result).toBe('attempt 2');
});

test('a worker dies in the middle of a run: another one replays the same code on its history and goes on', async () => {
  const done: string[] = [];
  let starts = 0;
  const at = place(
    async () => {
      starts += 1;
      await near.note();
      await far.work();
      await near.note();
    },
    {
      async note() {
        done.push('note');
        return 'noted';
      },
      async work() {
        done.push('work');
        await at.passes(500);
        return 'worked';
      },
    },
  );
  const first = at.start();
  at.ring();
  await at.scheduler.run(() => done.includes('work'));
  at.end(first);
  at.start();
  await at.untilClosed();
  expect(starts).toBe(2);
  expect(done.filter((what) => what === 'note')).toHaveLength(2);
  expect(at.seen()).toMatchObject([{ ending: 'completed' }]);
});

test('a worker dies inside a workflow task: what its local activity gave is lost, and it runs again', async () => {
  let runs = 0;
  const at = place(
    async () => {
      await near.note();
    },
    {
      async note() {
        runs += 1;
        if (runs === 1) at.end(first);
        return 'noted';
      },
    },
  );
  const first = at.start();
  at.ring();
  await at.scheduler.run(() => runs === 1);
  at.start();
  await at.untilClosed();
  expect(runs).toBe(2);
  expect(at.seen()).toMatchObject([{ failedTasks: { TimedOut: 1 } }]);
});

test('code that asks for something else at replay is a violation', async () => {
  let starts = 0;
  let worked = false;
  const at = place(
    async () => {
      starts += 1;
      await (starts === 1 ? far.work() : far.note());
    },
    {
      async work() {
        worked = true;
        await at.passes(2_000);
        return '';
      },
      note: async () => '',
    },
  );
  const first = at.start();
  at.ring();
  await at.scheduler.run(() => worked);
  at.end(first);
  at.start();
  await at.scheduler.run(() => at.violations.length > 0);
  expect(at.violations).toMatchObject([{ invariant: 'I13' }]);
});

test('continue-as-new begins another run of the same id; a terminated and a wiped one are gone at once', async () => {
  const at = place(async (input: { left?: number }) => {
    const left = input.left ?? 2;
    if (left > 0) await continueAsNew({ left: left - 1 });
    await condition(() => false);
  }, {});
  at.start();
  at.ring();
  await at.scheduler.run(() => at.seen().length === 3);
  expect(at.temporal.terminate('toy/1')).toBe(true);
  expect(at.seen().map(({ ending }) => ending)).toEqual(['continued', 'continued', 'terminated']);
  at.ring();
  at.temporal.wipe();
  expect(at.temporal.runsOpen).toBe(0);
});

test('a cancelled scope gives up at once what it waits for; the attempt goes on in the worker; code outside goes on', async () => {
  const told: string[] = [];
  let late = false;
  const at = place(
    async () => {
      const scope = new CancellationScope();
      const inside = scope.run(async () => {
        try {
          await far.work();
        } catch (error) {
          told.push(error instanceof ActivityFailure ? String(error.cause?.name) : 'other');
        }
      });
      const over = await condition(() => told.length > 0, 500);
      told.push(over === true ? 'held' : 'not held');
      scope.cancel();
      await inside;
      await near.note();
      told.push(`events ${workflowInfo().historyLength > 5}`);
    },
    {
      async work() {
        await at.passes(5_000);
        late = true;
        return '';
      },
      note: async () => 'noted',
    },
  );
  at.start();
  at.ring();
  await at.untilClosed();
  expect(told).toEqual(['not held', 'CancelledFailure', 'events true']);
  await at.scheduler.run(() => late);
});

test('while Temporal is down rings are refused, and what was open goes on afterwards', async () => {
  const at = place(async () => void (await far.work()), { work: async () => 'done' });
  at.start();
  at.ring();
  at.temporal.setDown(true);
  expect(at.ring).toThrow('Temporal does not answer');
  at.scheduler.after({ name: 'test', alive: true }, 5_000, 'up', () => at.temporal.setDown(false));
  await at.untilClosed();
  expect(at.seen()).toMatchObject([{ ending: 'completed' }]);
});
