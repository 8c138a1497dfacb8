/**
 * The floor: the product's workflow, relay, doorbell and worker settings with activities that do nothing, in a namespace
 * of its own on the same server. What is left is what Temporal itself takes for the same workflow tasks, local
 * activities and activities. A process of its own, like the worker it stands for.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { Activities } from '../activities';
import { stepResult } from '../activities/stepResult';
import { parseCatalogName, parseConnectionName, parseRecordId, trusted } from '../src/core/ids';
import type { RecordId } from '../src/core/ids';
import { createRelay } from '../src/queue/relay';
import type { DueRecord } from '../src/store/workQueue';
import { createDoorbell, openClient } from '../src/temporal/client';
import { createWorkers } from '../src/temporal/worker';
import { paced } from './pace';

const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');
const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');
const BUNDLE = path.join(__dirname, '..', 'workflow-bundle.js');
/** Which way a change goes decides whether there is a second activity; told to the activities by the link's id. */
const LINK_OUT = 1;
const LINK_IN = 2;

export type Direction = 'out' | 'in';

export interface FloorTask {
  readonly direction: Direction;
  readonly changes: number;
  /** 0: all at once. */
  readonly everyMs: number;
}

export interface FloorResult {
  readonly seconds: number;
  /** Per change, from ringing to the activity in which the other side would be written. */
  readonly latenciesMs: readonly number[];
}

/** The work queue without Postgres, with the same bound on what is rung and not answered. */
function memoryQueue() {
  const due: DueRecord[] = [];
  let unanswered = 0;
  let written = false;
  let wakeWaiter: (() => void) | null = null;
  return {
    add(record: DueRecord): void {
      due.push(record);
      written = true;
      wakeWaiter?.();
    },
    answered(): void {
      unanswered -= 1;
    },
    async claimDue(limit: { rows: number; inFlight: number }): Promise<DueRecord[]> {
      const claimed = due.splice(0, Math.max(0, Math.min(limit.rows, limit.inFlight - unanswered)));
      unanswered += claimed.length;
      return claimed;
    },
    unclaim: async (records: readonly DueRecord[]): Promise<void> => {
      unanswered -= records.length;
      due.push(...records);
    },
    msUntilDue: async (): Promise<number | null> => (due.length > 0 ? 0 : null),
    wake: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(() => wakeWaiter?.(), ms);
        wakeWaiter = () => {
          clearTimeout(timer);
          wakeWaiter = null;
          written = false;
          resolve();
        };
        if (written) wakeWaiter();
      }),
  };
}

/** One task after the other: its records, when each was rung, when its empty write ran, how many looks have ended. */
interface Current {
  readonly direction: Direction;
  readonly began: Map<string, number>;
  readonly latenciesMs: number[];
  closed: number;
}

function emptyActivities(current: () => Current, answered: () => void): Activities {
  const written = (lookId: number): void => {
    const beganMs = current().began.get(String(lookId));
    if (beganMs !== undefined) current().latenciesMs.push(performance.now() - beganMs);
  };
  return {
    openLook: async ({ recordId }) => {
      const linkId = current().direction === 'out' ? LINK_OUT : LINK_IN;
      const lookId = Number.parseInt(recordId.slice(-8), 16);
      return {
        kind: 'open',
        seq: lookId,
        hint: 'local',
        version: 1,
        links: [{ linkId, lookId, connection: STRIPE }],
        paused: [],
      };
    },
    hasNewer: async () => false,
    examine: async ({ linkId, lookId }) => {
      written(lookId);
      return linkId === LINK_OUT
        ? stepResult('done', 'edited/edited merge push:name; update name', { version: 1, direction: 'out' })
        : stepResult('done', 'edited/edited merge pull:name', { version: 1, direction: 'in' });
    },
    send: async () => stepResult('done', 'never asked for'),
    trace: async () => stepResult('done', 'never asked for'),
    closeLook: async () => {
      current().closed += 1;
      answered();
      return 'done';
    },
  };
}

let records = 0;

/** Any id will do; its last eight digits are a number by which its times are found again. */
function nextRecord(): { recordId: RecordId; lookId: string } {
  records += 1;
  const id = `${randomUUID().slice(0, 28)}${records.toString(16).padStart(8, '0')}`;
  return { recordId: trusted(parseRecordId(id), 'record id'), lookId: String(records) };
}

async function main(): Promise<void> {
  const [address, namespace] = process.argv.slice(2);
  if (address === undefined || namespace === undefined) throw new Error('Started by bench/floor.ts only');
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const client = openClient({ address }, namespace);
  const connection = await NativeConnection.connect({ address });
  let current: Current = { direction: 'out', began: new Map(), latenciesMs: [], closed: 0 };
  const queue = memoryQueue();
  const workers = await createWorkers({
    connection,
    namespace,
    workflowBundle: { codePath: BUNDLE },
    activities: emptyActivities(
      () => current,
      () => queue.answered(),
    ),
    connections: [STRIPE],
  });
  const quiet = { warn: (fields: object, message: string) => console.error(message, fields), info: () => {} };
  const relay = createRelay({
    queue,
    doorbell: createDoorbell(client, [STRIPE], true),
    wake: queue.wake,
    log: quiet,
  });

  async function perform({ direction, changes, everyMs }: FloorTask): Promise<FloorResult> {
    current = { direction, began: new Map(), latenciesMs: [], closed: 0 };
    const beganMs = performance.now();
    await paced(changes, everyMs, async () => {
      const { recordId, lookId } = nextRecord();
      current.began.set(lookId, performance.now());
      queue.add({ catalog: CUSTOMER, recordId });
    });
    while (current.closed < changes) await new Promise((resolve) => setTimeout(resolve, 5));
    return { seconds: (performance.now() - beganMs) / 1000, latenciesMs: current.latenciesMs };
  }

  process.on('message', (task) => {
    perform(task as FloorTask).then(
      (result) => process.send?.(result),
      (error: unknown) => fail(error),
    );
  });
  // The bench is gone, or done with the floor.
  process.once('disconnect', () => process.exit(0));
  const running = Promise.all([relay.run(), ...workers.map((worker) => worker.run())]);
  process.send?.('ready');
  await running;
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

main().catch(fail);
