/**
 * Rings in every gap of a run, one gap at a time: at each call between worker and server, before the server hears it and
 * before anybody hears the answer, and around each effect of an activity. Nothing but the doorbell tells of a new hint here:
 * the activities are scripted, no row is asked, no relay rings again. A doorbell that is not heard is lost for good.
 */
import { Connection } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { Activities, SweepActivities, SweepBatch } from '../../activities';
import { stepResult } from '../../activities/stepResult';
import { parseCatalogName, parseConnectionName, parseRecordId, trusted } from '../../src/core/ids';
import { bundleWorkflows } from '../../src/temporal/bundle';
import { createDoorbell, ensureSearchAttributes, openClient } from '../../src/temporal/client';
import { ringSweep } from '../../src/temporal/sweeps';
import { createWorkers } from '../../src/temporal/worker';
import { freshNamespace } from '../environment/namespace';
import { until } from '../environment/until';
import { eventsOf } from '../replay/histories';
import { runOf } from '../replay/shapes';
import type { Run } from '../replay/shapes';
import { startWire } from './wire';
import type { Moment } from './wire';

const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');
const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');
const TASKS = /^(Poll|Respond)(WorkflowTask|ActivityTask)/;
/** A poll that brought a task holds a token and a history or an input; one that brought none, next to nothing. */
const TASK_BYTES = 64;

/** The server fails a task during which more than 100 events came. */
const SIGNALS_TOGETHER = 40;

/** Who is rung, and how a run of theirs is prepared before its gaps count. */
export interface Story {
  readonly workflow: 'customer' | 'sweep';
  /** Signals that stand in the history before the gaps are counted. */
  readonly signalsBefore: number;
}

export interface Trial {
  /** The gaps this trial went through, by name and in their order, e.g. `RespondWorkflowTaskCompleted 2 asked`. */
  readonly gaps: readonly string[];
  /** All runs it took, the oldest first. */
  readonly runs: readonly Run[];
  /** The ring came, and a look began after it. */
  readonly answered: boolean;
}

export interface Gaps {
  /** @param at the gap to ring in; null: none */
  trial(story: Story, at: string | null): Promise<Trial>;
  close(): Promise<void>;
}

/** What one trial counts. */
class Count {
  readonly gaps: string[] = [];
  private readonly times = new Map<string, number>();
  rings = 0;
  /** Rings that had been when the last look began. */
  heard = 0;
  ringing: Promise<void> | null = null;

  /** @param counts false: from `begin` on */
  constructor(
    private at: string | null,
    private counts: boolean,
    readonly ring: () => Promise<void>,
  ) {}

  /** @returns when it may go on: if this is the gap, after the ring was taken */
  async pass(what: string, when: string): Promise<void> {
    if (!this.counts) return;
    const nth = (this.times.get(`${what} ${when}`) ?? 0) + 1;
    this.times.set(`${what} ${when}`, nth);
    const gap = `${what} ${nth} ${when}`;
    this.gaps.push(gap);
    if (gap !== this.at) return;
    this.at = null;
    this.ringing = this.ring();
    await this.ringing;
  }

  begin(): void {
    this.counts = true;
  }
}

/** The workflows as they are, but for the number of events from which they continue as new. */
function continuingAfter(code: string, events: number): string {
  const bound = /HISTORY_MAX_EVENTS = \d+/g;
  if (!bound.test(code))
    throw new Error('The bundle has no HISTORY_MAX_EVENTS: say here what it is called now');
  return code.replaceAll(bound, `HISTORY_MAX_EVENTS = ${events}`);
}

/** @param maxEvents of a run, before it continues as new: fewer than it is, so that a run which does so takes no minutes */
export async function startGaps(maxEvents?: number): Promise<Gaps> {
  const { address, namespace } = await freshNamespace();
  const client = openClient({ address }, namespace);
  const connection = await Connection.connect({ address });
  await ensureSearchAttributes(client, namespace);
  const wire = await startWire(address);
  const native = await NativeConnection.connect({ address: wire.address });
  let count = new Count(null, false, async () => undefined);
  let prepare: (() => Promise<void>) | null = null;
  let underway = 0;
  let trials = 0;

  wire.watch = async ({ method, when, bytes }: Moment) => {
    if (!TASKS.test(method)) return;
    const polls = method.startsWith('Poll');
    if (polls && (when === 'asked' || bytes < TASK_BYTES)) return;
    if (!polls) underway += when === 'asked' ? 1 : -1;
    await count.pass(method, when);
  };

  async function around<Answer>(name: string, effect: () => Answer): Promise<Answer> {
    await count.pass(name, 'begins');
    const answer = effect();
    await count.pass(name, 'ends');
    return answer;
  }

  const activities: Activities & Partial<SweepActivities> = {
    openLook: () =>
      around('openLook', () => {
        count.heard = count.rings;
        const links = [{ linkId: 1, lookId: count.rings, connection: STRIPE }];
        return { kind: 'open', seq: count.rings, hint: 'local', version: 1, links, paused: [] };
      }),
    hasNewer: async () => false,
    closeLook: () => around('closeLook', () => 'done' as const),
    async examine() {
      const preparing = prepare;
      prepare = null;
      await preparing?.();
      return around('examine', () => stepResult('done', 'scripted'));
    },
    send: async () => stepResult('done', 'scripted'),
    trace: async () => stepResult('done', 'scripted'),
    async sweepBatch() {
      const preparing = prepare;
      prepare = null;
      await preparing?.();
      return around('sweepBatch', (): SweepBatch => {
        count.heard = count.rings;
        return { next: 'idle', ms: 0, waitsFor: null, phase: null, objects: 0, records: 0, found: 0 };
      });
    },
  };
  const { code } = await bundleWorkflows();
  const workers = await createWorkers({
    connection: native,
    namespace,
    workflowBundle: { code: maxEvents === undefined ? code : continuingAfter(code, maxEvents) },
    activities,
    connections: [STRIPE],
  });
  const running = Promise.all(workers.map((worker) => worker.run()));

  function fresh({ workflow }: Story) {
    trials += 1;
    const text = `00000000-0000-7000-8000-${String(trials).padStart(12, '0')}`;
    const recordId = trusted(parseRecordId(text), 'record id');
    const doorbell = createDoorbell(client, ['stripe'], true);
    return workflow === 'customer'
      ? { workflowId: `customer/${recordId}`, ring: () => doorbell.ring({ catalog: CUSTOMER, recordId }) }
      : { workflowId: `sweep/${STRIPE}`, ring: () => ringSweep(client, STRIPE) };
  }

  /** All signals stand in the history, and nothing is under way but this activity. */
  async function fill(workflowId: string, signals: number): Promise<void> {
    const handle = client.workflow.getHandle(workflowId);
    const taken = async (): Promise<boolean> => {
      const { events } = await handle.fetchHistory();
      return Boolean(events?.at(-1)?.workflowTaskCompletedEventAttributes);
    };
    for (let sent = 0; sent < signals; sent += SIGNALS_TOGETHER) {
      await Promise.all(Array.from({ length: SIGNALS_TOGETHER }, () => handle.signal('hint')));
      await until('the run has taken them', taken);
    }
    await until('no call is under way', async () => underway === 0);
    count.begin();
  }

  return {
    async trial(story, at) {
      const { workflowId, ring } = fresh(story);
      const began = new Date();
      const counted: Count = new Count(at, story.signalsBefore === 0, async () => {
        counted.rings += 1;
        await ring();
      });
      count = counted;
      if (story.signalsBefore > 0) prepare = () => fill(workflowId, story.signalsBefore);
      counted.rings += 1;
      await ring();
      const handle = client.workflow.getHandle(workflowId);
      const over = async (): Promise<boolean> =>
        (at === null || counted.ringing !== null) &&
        underway === 0 &&
        (await handle.describe()).status.name !== 'RUNNING';
      await until(`the run is over; rung at ${at}`, over);
      await counted.ringing;
      await until('the run that the ring has started is over', over);
      return {
        gaps: [...counted.gaps],
        runs: await runsOf(client, workflowId, began),
        answered: counted.heard === counted.rings,
      };
    },
    async close() {
      for (const worker of workers) worker.shutdown();
      await running;
      await native.close();
      await connection.close();
      await client.connection.close();
      await wire.close();
    },
  };
}

/** Runs of this workflow since then, the oldest first. The list of runs may be a moment behind. */
async function runsOf(client: Client, workflowId: string, since: Date): Promise<Run[]> {
  const { runId: newest } = await client.workflow.getHandle(workflowId).describe();
  const ids = new Map<string, number>();
  await until('all runs are listed', async () => {
    for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
      if (run.startTime >= since) ids.set(run.runId, run.startTime.getTime());
    }
    return ids.has(newest);
  });
  const inOrder = [...ids].toSorted(([, a], [, b]) => a - b).map(([id]) => id);
  return Promise.all(
    inOrder.map(async (id) =>
      runOf(eventsOf(await client.workflow.getHandle(workflowId, id).fetchHistory())),
    ),
  );
}
