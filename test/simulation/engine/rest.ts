/** When everything has come to rest, and the operator who lets paused connections go on. */
import { CODES, DatabaseFailure } from '../store/failure';
import { createConnectionControl } from '../../../src/connections/control';
import type { Contents } from './ports';
import type { Stage } from './stage';

/** How often the operator looks: less and less often while there is no rest. */
const LOOK_FIRST_MS = 500;
const LOOK_LAST_MS = 30_000;
/** A call whose effect comes late comes within this time (world/calls). */
const LATE_EFFECT_MS = 21_000;
const SWEEPS_MAX = 100;
/** In virtual time: beyond it something is stuck (I14). Covers a row whose lease was set an hour ahead by a clock. */
export const REST_BOUND_MS = 3 * 3_600_000;

function isLockTimeout(error: unknown): boolean {
  return error instanceof DatabaseFailure && error.code === CODES.lockTimeout;
}

/** What the operator looks at. */
const LOOKED_AT = ['work_queue', 'events', 'connections'] as const;
type LookedAt = Pick<Contents, (typeof LOOKED_AT)[number]>;

/** Paused connections are let go on, as an operator does who has seen to the cause, and presses again where a lock was in the way. */
async function resumePaused({ operator }: Stage, { connections }: LookedAt): Promise<void> {
  const control = createConnectionControl(operator.session.store, operator.connectors);
  for (const { name, paused_at } of connections) {
    if (paused_at === null) continue;
    await control.resume(String(name)).catch((error: unknown) => {
      if (!isLockTimeout(error)) throw error;
    });
  }
}

function unheardOf({ world }: Stage, { events }: LookedAt): string | null {
  const known = new Set(events.map(({ connection, id }) => `${String(connection)} ${String(id)}`));
  for (const [place, system] of world.remotes.systems.entries()) {
    // what such a system could not deliver is handed over when the weather has cleared up
    if (!world.healed && world.plan.connections[place]?.hasEventList !== true) continue;
    const unheard = system.events().find(({ id }) => !known.has(`${system.name} ${id}`));
    if (unheard !== undefined) return `the event ${unheard.id} of ${system.name} was not heard of`;
  }
  return null;
}

/** What a late list does not show yet a sweep would take for missing, and ask for a look at it. */
function unlisted({ world: { plan, remotes, scheduler } }: Stage): string | null {
  for (const [place, system] of remotes.systems.entries()) {
    const listed_ms = scheduler.now_ms() - (plan.connections[place]?.listLag_ms ?? 0);
    if (system.living().some(([, { madeAt }]) => madeAt > listed_ms))
      return `the list of ${system.name} does not show all that stands there`;
  }
  return null;
}

/** What is under way outside of Postgres, in words; null when nothing is. */
function underWay({ world, processes, director, webhooks, lastLate_ms }: Stage): string | null {
  const { scheduler, temporal, plan } = world;
  if (!director.idle) return 'an act is under way';
  if (webhooks.open > 0) return 'an event is not acknowledged';
  if (temporal.runsOpen > 0) return 'a workflow is open';
  if (scheduler.kept > 0) return 'somebody is kept';
  if (processes.busy) return 'an activity goes on';
  const dead = (['api', ...plan.workers] as const).find((name) => processes.find(name) === null);
  if (dead !== undefined) return `${dead} is dead`;
  return scheduler.now_ms() < lastLate_ms() + LATE_EFFECT_MS ? 'a call may take effect late' : null;
}

/** What Postgres or the remotes still have to be looked at, in words; null when nothing is left. */
async function leftOver(parts: Stage, contents: LookedAt): Promise<string | null> {
  const { world, operator } = parts;
  if (contents.work_queue.length > 0) return 'the queue is not empty';
  const unseen = unheardOf(parts, contents) ?? unlisted(parts);
  if (unseen !== null) return unseen;
  const sweeps = await operator.session.store.sweeps.listSweeps(SWEEPS_MAX);
  if (sweeps.some(({ ending }) => ending === null)) return 'a sweep is open';
  const swept = new Set<string>(sweeps.map(({ connection }) => connection));
  return world.remotes.systems.every(({ name }) => swept.has(name)) ? null : 'the first sweep was not made';
}

/** @returns null when all came to rest within the bound, else what went on */
export async function comeToRest(parts: Stage): Promise<string | null> {
  const { world, operator } = parts;
  const { scheduler } = world;
  const past_ms = (): number => scheduler.now_ms() - scheduler.leapt_ms;
  const began_ms = past_ms();
  for (let every_ms = LOOK_FIRST_MS; ; every_ms = Math.min(every_ms * 1.5, LOOK_LAST_MS)) {
    await operator.turns.sleep(every_ms, 'the operator looks');
    const isUnderWay = underWay(parts);
    if (isUnderWay !== null && !parts.director.idle) continue;
    const contents = await world.database.contents(LOOKED_AT);
    const goesOn = isUnderWay ?? (await leftOver(parts, contents));
    if (goesOn === null) return null;
    if (past_ms() > began_ms + REST_BOUND_MS) return goesOn;
    await resumePaused(parts, contents);
  }
}
