/** Failure 42: 15,000 changes to one customer in 15 s, by SQL, through the whole product. */
import { Client as Sql } from 'pg';
import { startStage } from '../e2e/stage';
import type { Loose, Stage } from '../e2e/stage';
import { until } from '../environment/until';
import { openRuns, troubleOf } from './runs';
import type { Runs } from './runs';

const STORY_MS = 180_000;
const CHANGES = 15_000;
const LASTING_MS = 15_000;
/** Changes of one statement, each a transaction of its own: 20 statements a second. */
const TOGETHER = 50;
const REMOTE_WRITES_MAX = 80;

let stage: Stage;
let runs: Runs;
beforeAll(async () => {
  stage = await startStage();
  runs = await openRuns(stage.temporal);
}, 60_000);
afterAll(async () => {
  await runs.close();
  await stage.close();
}, 60_000);

/** As evenly as the machine lets it. @returns how long it took, in milliseconds */
async function changeAll(id: string): Promise<number> {
  const sql = new Sql({ connectionString: stage.databaseUrl });
  await sql.connect();
  const began = performance.now();
  for (let done = 0; done < CHANGES; done += TOGETHER) {
    const due = (done / CHANGES) * LASTING_MS;
    await until('the next are due', async () => performance.now() - began >= due, LASTING_MS);
    await sql.query(`do $$ begin
      for n in ${done + 1}..${done + TOGETHER} loop
        update counterpart.customers set name = 'Change ' || n where id = '${id}';
        commit;
      end loop;
    end $$`);
  }
  await sql.end();
  return performance.now() - began;
}

test(
  'failure 42, I3, I7, I13: 15,000 changes to one customer in 15 s: none lost, at most 80 writes there, no history of 1,000 events',
  async () => {
    const { body } = await stage.call('POST', '/customers', { name: 'Change 0', email: 'burst@example.com' });
    const show = async (): Promise<Loose> => (await stage.call('GET', `/customers/${body.id}`)).body;
    await until('it stands there', async () => (await show()).sync[0].state === 'in_sync');
    const remoteId = (await show()).sync[0].remote_id;
    const before = (await stage.writes()).length;

    const took = await changeAll(body.id);
    const ended = performance.now();
    await stage.settled();
    const after = performance.now() - ended;

    const last = `Change ${CHANGES}`;
    expect(await show()).toMatchObject({ name: last, version: 1 + CHANGES });
    expect(await stage.stripe('GET', `/v1/customers/${remoteId}`)).toMatchObject({ name: last });
    const { rows } = await stage.pool.query('select count(*)::int as n from counterpart.conflicts');
    expect(rows[0].n).toBe(0);
    const writes = (await stage.writes()).length - before;
    const workflowId = `customer/${body.id}`;
    await until('no run is open', async () => {
      const { status } = await runs.client.workflow.getHandle(workflowId).describe();
      return status.name === 'COMPLETED';
    });
    const all = await runs.all(`WorkflowId = '${workflowId}'`);
    const longest = Math.max(...all.map(({ kinds }) => kinds.length));
    const events = all.reduce((sum, { kinds }) => sum + kinds.length, 0);
    console.log(
      `${CHANGES} changes in ${(took / 1000).toFixed(1)} s: the last stood there ${after.toFixed(0)} ms after it was made; ` +
        `${writes} writes to Stripe; ${all.length} runs, ${events} events, the longest history ${longest}`,
    );
    // a machine that needs longer for the changes has longer to send them
    expect(writes).toBeLessThanOrEqual(REMOTE_WRITES_MAX * Math.max(1, took / LASTING_MS));
    expect(longest).toBeLessThan(1_000);
    expect(troubleOf(all)).toEqual([]);
    expect(all.every(({ end }) => end === 'COMPLETED' || end === 'CONTINUED_AS_NEW')).toBe(true);
  },
  STORY_MS,
);
