import { EventEmitter, once } from 'node:events';

import { until } from '../../test/environment/until';
import type { Exit, RunningPart } from './part';
import { backoffMs, EXIT_NEEDS_A_PERSON, GaveUp, keepRunning, runToEnd, type Hooks } from './supervisor';

/** A part whose process ends when the test says so. */
function fakePart() {
  const ends: ((exit: Exit) => void)[] = [];
  const start = async (): Promise<RunningPart> => {
    const process = new EventEmitter();
    const exited = once(process, 'exit').then(([exit]): Exit => exit);
    ends.push((exit) => process.emit('exit', exit));
    return {
      pid: ends.length,
      exited,
      stop: async () => void process.emit('exit', { code: 0, signal: null }),
    };
  };
  return { part: { name: 'api', start }, ends };
}

function recordingHooks() {
  const said: string[] = [];
  const events = new EventEmitter();
  const gaveUp = once(events, 'gave up');
  const started: number[] = [];
  const waiting: (() => void)[] = [];
  const hooks: Hooks = {
    say: (line) => said.push(line),
    onStart: (_name, pid) => {
      started.push(pid);
      waiting.splice(0).forEach((resolve) => resolve());
    },
    onGiveUp: (name) => events.emit('gave up', name),
  };
  return {
    hooks,
    said,
    gaveUp,
    started,
    nextStart: () => new Promise<void>((resolve) => waiting.push(resolve)),
  };
}

test('a part that is killed is restarted and said, one that is stopped is not', async () => {
  const { part, ends } = fakePart();
  const { hooks, said, started, nextStart } = recordingHooks();
  const kept = await keepRunning(part, hooks);
  const restarted = nextStart();
  ends[0]?.({ code: null, signal: 'SIGKILL' });
  await restarted;
  expect(said[0]).toMatch(/^api was killed \(SIGKILL\); restarting it/);
  await kept.stop();
  expect(started).toEqual([1, 2]);
  expect(kept.runningPid()).toBeNull();
});

test('a restarted part is said to run again when it can do its work, and not when it ended before', async () => {
  const { part, ends } = fakePart();
  const { hooks, said, nextStart } = recordingHooks();
  const answers: (() => void)[] = [];
  const ready = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      answers.push(resolve);
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  const kept = await keepRunning({ ...part, ready }, hooks);
  for (const at of [0, 1]) {
    const restarted = nextStart();
    ends[at]?.({ code: 1, signal: null });
    await restarted;
  }
  await until('its readiness is asked for twice', async () => answers.length === 2);
  expect(said.filter((line) => line.includes('runs again'))).toEqual([]);
  answers[1]?.();
  await until('it is said', async () => said.includes('api runs again'));
  await kept.stop();
  expect(said.filter((line) => line.includes('runs again'))).toHaveLength(1);
});

test('a part that asks for a person is not restarted', async () => {
  const { part, ends } = fakePart();
  const { hooks, gaveUp, started } = recordingHooks();
  const kept = await keepRunning(part, hooks);
  ends[0]?.({ code: EXIT_NEEDS_A_PERSON, signal: null });
  expect(await gaveUp).toEqual(['api']);
  await kept.stop();
  expect(started).toEqual([1]);
});

test('a stop during the pause before a restart ends the pause', async () => {
  const { part, ends } = fakePart();
  const { hooks, started } = recordingHooks();
  const kept = await keepRunning(part, hooks);
  ends[0]?.({ code: 1, signal: null });
  await kept.stop();
  expect(started).toEqual([1]);
});

test('a one-shot part is repeated until it ends well', async () => {
  const { part, ends } = fakePart();
  const { hooks, said, nextStart } = recordingHooks();
  const first = nextStart();
  const done = runToEnd(part, hooks, new AbortController().signal);
  await first;
  const second = nextStart();
  ends[0]?.({ code: 1, signal: null });
  await second;
  ends[1]?.({ code: 0, signal: null });
  await done;
  expect(said[0]).toMatch(/ended with code 1; trying again/);
});

test('a one-shot part that asks for a person is not repeated', async () => {
  const { part, ends } = fakePart();
  const { hooks, started, nextStart } = recordingHooks();
  const first = nextStart();
  const done = runToEnd(part, hooks, new AbortController().signal);
  await first;
  ends[0]?.({ code: EXIT_NEEDS_A_PERSON, signal: null });
  await expect(done).rejects.toThrow(GaveUp);
  expect(started).toEqual([1]);
});

test('the pause between restarts grows and is bounded', () => {
  expect([0, 1, 2, 20].map((failures) => backoffMs(failures))).toEqual([250, 500, 1_000, 15_000]);
});
