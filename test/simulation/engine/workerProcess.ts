/** One life of a worker process, wired as src/bin/worker.ts does it: relay, workflows, activities, poller, sweeps, watch. */
import { sendingAtOnce } from '../../../activities';
import type { ActivityDeps } from '../../../activities/deps';
import { CATALOGS } from '../../../src/catalogs/catalogs';
import { identifyAtStart } from '../../../src/connections/identifyAtStart';
import type { Connector } from '../../../src/connectors/connector';
import type { Limits, Passage } from '../../../src/connectors/passage';
import type { ConnectionName } from '../../../src/core/ids';
import { runPoller } from '../../../src/inbound/poll';
import { createPassage } from '../../../src/pace/passage';
import { watch } from '../../../src/pace/watch';
import { createRelay } from '../../../src/queue/relay';
import { runSweepRelay } from '../../../src/queue/sweepRelay';
import { sweepWorkflowId, workflowId } from '../../../src/temporal/names';
import type { ProcessName } from '../world/plan';
import type { DatabaseSession, Turns } from './ports';
import type { Owner } from './sleepers';
import { INSTALLATION, paused_ms, shortly_ms } from './surroundings';
import type { Surroundings } from './surroundings';
import { WorkflowWorker } from './workflowWorker';
import type { Activity } from './workflowWorker';
import { WORKFLOWS } from './workflows';

/** Slow enough to wait for its turn now and then. */
const LIMITS: Limits = { perSecond: 20, perEndpoint: null, otherCodes: ['lock_timeout'] };
const NO_LIMITS: Limits = { perSecond: null, perEndpoint: null, otherCodes: [] };
const SKEW_MAX_MS = 3_600_000;
/** Where no breaker opens there is little to watch. */
const WATCH_SLOWER = 16;
/** The relay's pauses below this are those before a row is due, or in trouble. */
const SHORT_MS = 2_000;
/** Of rings and of notifications, while not all is well. */
const LOST_SHARE = 0.03;

export interface Life {
  readonly owner: Owner;
  readonly turns: Turns;
  readonly session: DatabaseSession;
  readonly connectors: ReadonlyMap<ConnectionName, Connector>;
}

export interface WorkerLife extends Life {
  readonly worker: WorkflowWorker;
  /** The queue was written to. */
  notify(): void;
}

/** Lets the relay sleep until its time is over or the queue is written to; as src/queue/wakeup.ts. */
function createAlarm({ scheduler }: Surroundings, owner: Owner, turns: Turns) {
  let pending = false;
  let wake: (() => void) | null = null;
  return {
    wake(): void {
      pending = true;
      wake?.();
    },
    async sleep(ms: number): Promise<void> {
      if (pending) {
        pending = false;
        return turns.turn('relay wakes');
      }
      const nap = scheduler.nap(owner, ms, 'relay sleeps');
      wake = () => nap.wake();
      await nap.over;
      wake = null;
      pending = false;
    },
  };
}

export function openLife(world: Surroundings, name: string): Life {
  const owner: Owner = { name, alive: true };
  const turns = world.scheduler.turnsOf(owner);
  const session = world.database.connect(turns);
  const passage = (connection: ConnectionName): Passage =>
    createPassage(
      {
        store: session.store,
        log: world.log,
        now: () => world.scheduler.now_ms(),
        sleep: (ms) => turns.sleep(ms, 'limiter'),
      },
      connection,
      world.chance.happens(0.5) ? LIMITS : NO_LIMITS,
    );
  const connectors = world.remotes.connectors(turns, world.paced ? passage : undefined);
  return { owner, turns, session, connectors };
}

function activitiesOf(world: Surroundings, life: Life, identified: ReadonlySet<ConnectionName>) {
  const { plan, policies, fingerprint, log, chance, tally } = world;
  const depsOf = (runId: string): ActivityDeps => ({
    store: life.session.store,
    catalogs: CATALOGS,
    connectors: life.connectors,
    policies,
    deleteGuard: plan.deleteGuard,
    installation: INSTALLATION,
    identified: (connection) => identified.has(connection),
    fingerprint,
    random: { uuid: () => chance.uuid() },
    log,
    logContext: () => ({}),
    metrics: { remoteCall: () => undefined, propagated: () => undefined },
    runId: () => runId,
  });
  const made = new Map<string, Readonly<Record<string, Activity>>>();
  const make = (runId: string): Readonly<Record<string, Activity>> => {
    const activities = sendingAtOnce(depsOf(runId));
    const openLook: typeof activities.openLook = async (input) => {
      const opened = await activities.openLook(input);
      if (opened.kind === 'open') tally.looks += 1;
      return opened;
    };
    return { ...activities, openLook } as unknown as Record<string, Activity>;
  };
  return (runId: string): Readonly<Record<string, Activity>> => {
    const known = made.get(runId);
    if (known !== undefined) return known;
    const fresh = make(runId);
    made.set(runId, fresh);
    return fresh;
  };
}

/** A call to Temporal: it may not get there, or its answer may not come back. */
async function ring(
  world: Surroundings,
  { turns }: Life,
  id: string,
  type: string,
  input: object,
): Promise<void> {
  const { temporal, chance } = world;
  await turns.turn(`ring ${id}`);
  world.lastNews_ms = world.scheduler.now_ms();
  temporal.signalWithStart(id, type, JSON.stringify(input), 'hint');
  await turns.turn(`rung ${id}`);
  const isLost = !world.healed && world.plan.weather !== 'calm' && chance.happens(LOST_SHARE);
  if (isLost) throw new Error('The answer of Temporal was lost');
}

/** Starts a life; what it does ends with it. */
export function startWorker(world: Surroundings, name: ProcessName): WorkerLife {
  const { plan, scheduler, temporal, chance, log, policies, fingerprint } = world;
  const life = openLife(world, name);
  const { owner, turns, session, connectors } = life;
  const { store } = session;
  const identified = new Set<ConnectionName>();
  const pause = (ms: number): Promise<void> => turns.sleep(paused_ms(world, ms), 'pause');
  const stopped = (): boolean => false;
  const run = (what: Promise<unknown>): void => {
    what.catch((error: unknown) => scheduler.fail(error));
  };
  const worker = new WorkflowWorker({
    owner,
    turns,
    scheduler,
    temporal,
    workflows: WORKFLOWS,
    activitiesFor: activitiesOf(world, life, identified),
    violate: (violation) => void world.violations.push(violation),
    crossed: world.spoken === null ? null : (text) => void world.spoken?.push(text),
  });
  const alarm = createAlarm(world, owner, turns);
  const relay = createRelay({
    queue: store.queue,
    doorbell: {
      ring: ({ catalog, recordId }) =>
        ring(world, life, workflowId(catalog, recordId), catalog, { recordId }),
    },
    wake: (ms) => alarm.sleep(ms < SHORT_MS ? shortly_ms(world, ms) : paused_ms(world, ms)),
    log,
  });
  const skew_ms = plan.weather === 'calm' ? 0 : chance.int(2 * SKEW_MAX_MS) - SKEW_MAX_MS;
  const poll = {
    store,
    installation: INSTALLATION,
    fingerprint,
    policies,
    poller: `${name}-${chance.uuid()}`,
    now: () => scheduler.now_ms() + skew_ms,
    sleep: pause,
    log,
    heard: () => undefined,
  };
  const poll_ms = chance.pick([4_000, 10_000, 300_000]);
  for (const connector of connectors.values()) {
    const told = (connection: ConnectionName): void => void identified.add(connection);
    run(identifyAtStart({ store, log, pause, stopped, identified: told }, connector));
    const slow = (ms: number): Promise<void> => pause(world.paced ? ms : ms * WATCH_SLOWER);
    run(watch({ store, log, pause: slow, stopped }, connector, world.paced ? LIMITS : NO_LIMITS));
    if (connector.listEvents !== null)
      run(runPoller(poll, connector, () => Math.min(poll_ms, 20_000), stopped));
  }
  run(
    runSweepRelay({
      sweeps: store.sweeps,
      queue: store.queue,
      connections: [...connectors.values()].map(({ connection, listEvents }) => ({
        name: connection,
        hasEvents: listEvents !== null,
      })),
      ring: (connection) => ring(world, life, sweepWorkflowId(connection), 'sweep', { connection }),
      keepSchedule: () => Promise.resolve(),
      pause: (ms) => pause(ms * 3),
      stopped,
      log,
    }),
  );
  run(relay.run());
  temporal.workers.push(worker);
  temporal.handOut();
  return {
    owner,
    turns,
    session,
    connectors,
    worker,
    notify() {
      const isLost = !world.healed && plan.weather !== 'calm' && chance.happens(LOST_SHARE);
      if (!isLost) alarm.wake();
    },
  };
}
