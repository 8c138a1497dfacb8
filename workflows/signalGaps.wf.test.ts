/** Failure 43: a signal in every gap of a run. What happens around continue-as-new is in test/temporal. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startGaps } from '../test/temporal/gaps';
import type { Gaps, Story } from '../test/temporal/gaps';

const STORY_MS = 120_000;

let gaps: Gaps;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  gaps = await startGaps();
}, 60_000);
afterAll(() => gaps.close(), 60_000);

/** Rings once in each gap that a run without it goes through. @returns causes of failed tasks, by gap */
async function ringInEach(story: Story, expected: readonly string[]): Promise<Map<string, string>> {
  const quiet = await gaps.trial(story, null);
  expect(quiet.gaps).toEqual(expect.arrayContaining([...expected]));
  const failed = new Map<string, string>();
  for (const gap of quiet.gaps) {
    const { answered, runs } = await gaps.trial(story, gap);
    expect({ gap, answered }).toEqual({ gap, answered: true });
    expect(runs.map(({ end }) => end)).toEqual(runs.map(() => 'COMPLETED'));
    for (const cause of runs.flatMap(({ failedTasks }) => failedTasks)) failed.set(gap, cause);
  }
  return failed;
}

const AT_COMPLETION = 'WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND';

test(
  'failure 43, I13: a ring in each gap of a look is answered by a look that began after it, and nothing fails but the completion it met',
  async () => {
    const failed = await ringInEach({ workflow: 'customer', signalsBefore: 0 }, [
      'openLook 1 begins',
      'openLook 1 ends',
      'RespondWorkflowTaskCompleted 1 asked',
      'examine 1 ends',
      'RespondActivityTaskCompleted 1 asked',
      'closeLook 1 ends',
      'RespondWorkflowTaskCompleted 2 asked',
      'RespondWorkflowTaskCompleted 2 answered',
    ]);
    expect(new Set(failed.values())).toEqual(new Set([AT_COMPLETION]));
    expect(failed.get('RespondWorkflowTaskCompleted 2 asked')).toBe(AT_COMPLETION);
  },
  STORY_MS,
);

test(
  'failure 43: a ring in each gap of a sweep that ends is answered by a batch that began after it',
  async () => {
    const failed = await ringInEach({ workflow: 'sweep', signalsBefore: 0 }, [
      'sweepBatch 1 begins',
      'RespondWorkflowTaskCompleted 2 asked',
      'RespondWorkflowTaskCompleted 2 answered',
    ]);
    expect(new Set(failed.values())).toEqual(new Set([AT_COMPLETION]));
  },
  STORY_MS,
);
