/** Failure 41 at its full size; test/e2e tells it with a hundred records. */
import { startOwnTemporal } from '../e2e/ownTemporal';
import type { OwnTemporal } from '../e2e/ownTemporal';
import { restartWithPending } from '../e2e/pendingRecords';
import { startStage } from '../e2e/stage';
import type { Stage } from '../e2e/stage';
import { openRuns, troubleOf } from './runs';

const STORY_MS = 400_000;
const CONVERGED_MS = 240_000;
const RECORDS = 1_000;

let temporal: OwnTemporal;
let stage: Stage;
beforeAll(async () => {
  temporal = await startOwnTemporal();
  stage = await startStage({ temporal });
}, 60_000);
afterAll(async () => {
  await stage.close();
  await temporal.close();
}, 60_000);

test(
  'failures 41 and 62, I2, I13: Temporal is restarted with a thousand records pending by one UPDATE: each arrives, once, and no run fails',
  async () => {
    const { pending, overtaken, took_ms } = await restartWithPending(stage, temporal, RECORDS, CONVERGED_MS);
    expect(pending).toBe(RECORDS);
    expect(overtaken).toBeLessThan(RECORDS / 4);
    const runs = await openRuns(temporal);
    const all = await runs.all(`WorkflowType = 'customer'`);
    await runs.close();
    expect(all.length).toBeGreaterThanOrEqual(RECORDS);
    expect(troubleOf(all)).toEqual([]);
    expect(all.filter(({ end }) => end !== 'COMPLETED')).toEqual([]);
    console.log(
      `${pending} records pending when Temporal came back: all in sync after ${(took_ms / 1000).toFixed(1)} s, ` +
        `in ${all.length} runs; ${overtaken} of the UPDATE stood there before the edit made after it`,
    );
  },
  STORY_MS,
);
