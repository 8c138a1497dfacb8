/** Failure 43: a signal in every gap around continue-as-new. That no run grows past 1,000 events is held elsewhere. */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { startGaps } from './gaps';
import type { Gaps } from './gaps';

const STORY_MS = 400_000;
const MAX_EVENTS = 30;
/** So many that the first look ends beyond that. */
const SIGNALS = 40;

let gaps: Gaps;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  gaps = await startGaps(MAX_EVENTS);
}, 60_000);
afterAll(() => gaps.close(), 60_000);

test(
  'failure 43, I13: a ring in each gap around continue-as-new is answered by a look that began after it, and nothing fails but the command it met',
  async () => {
    const story = { workflow: 'customer', signalsBefore: SIGNALS } as const;
    const quiet = await gaps.trial(story, null);
    expect(quiet.runs.map(({ end }) => end)).toEqual(['CONTINUED_AS_NEW', 'COMPLETED']);
    expect(quiet.gaps).toEqual(
      expect.arrayContaining([
        'examine 1 ends',
        'RespondActivityTaskCompleted 1 asked',
        'closeLook 1 begins',
        'RespondWorkflowTaskCompleted 1 asked',
        'RespondWorkflowTaskCompleted 1 answered',
        'openLook 1 begins',
        'RespondWorkflowTaskCompleted 2 asked',
        'closeLook 2 ends',
        'RespondWorkflowTaskCompleted 3 asked',
        'RespondWorkflowTaskCompleted 3 answered',
      ]),
    );
    const failed = new Map<string, string>();
    for (const gap of quiet.gaps) {
      const { answered, runs } = await gaps.trial(story, gap);
      expect({ gap, answered }).toEqual({ gap, answered: true });
      expect(runs.slice(0, 2).map(({ end }) => end)).toEqual(['CONTINUED_AS_NEW', 'COMPLETED']);
      expect(runs.slice(2).every(({ end }) => end === 'COMPLETED')).toBe(true);
      for (const cause of runs.flatMap(({ failedTasks }) => failedTasks)) failed.set(gap, cause);
    }
    expect(new Set(failed.values())).toEqual(new Set(['WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND']));
    expect([...failed.keys()]).toEqual(
      expect.arrayContaining([
        'RespondWorkflowTaskCompleted 1 asked',
        'RespondWorkflowTaskCompleted 3 asked',
      ]),
    );
    console.log(`${quiet.gaps.length} gaps around continue-as-new, each rung in: all answered`);
  },
  STORY_MS,
);
