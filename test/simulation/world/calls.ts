/** The way to a remote and back for one call: a turn before the effect, one after it, and the weather between. */
import type { MemorySystem } from '../../../src/connectors/memory';
import type { Answer } from '../../../src/core/failure';
import type { Chance, Turns, VirtualClock } from '../engine/ports';
import { failed, FAILURE_OF, outageFailure, RESET, TIMED_OUT } from './failures';
import type { Fault, Operation, Outage, Rates, Where } from './plan';
import { FAULTS } from './plan';

/** The caller's own time-out (src/connectors/stripe/transport.ts). */
const CALL_TIMEOUT_MS = 8_000;
/** A call that is done after its caller gave up is done this much later at most. */
const LATE_MAX_MS = 20_000;
/** Beyond it a late call is given up there too: a leap of the clock came between. */
const LATE_GIVEN_UP_MS = 60_000;

/** What a call is doing when something may happen to it. */
export interface CallMoment {
  readonly connection: Where;
  readonly operation: Operation;
  readonly phase: 'arriving' | 'done';
}

/** The state of the weather at one connection. */
export interface Weather {
  readonly connection: Where;
  readonly system: MemorySystem;
  /** Ordered by acts: the next call of an operation meets the first. */
  readonly aimed: Map<Operation, Fault[]>;
  outage: { readonly how: Outage; readonly until_ms: number } | null;
  /** No fault comes any more. */
  healed: boolean;
}

export interface CallPorts {
  readonly chance: Chance;
  readonly clock: VirtualClock;
  /** Of the remotes themselves: they outlive every process. */
  readonly own: Turns;
  readonly rates: Rates;
  /** Holds the call until what was planned for this moment is done. Null: nothing is. */
  readonly onMoment: (moment: CallMoment) => Promise<void> | null;
  readonly onFault: (name: string) => void;
  /** Something in the remotes themselves went wrong: a defect of the simulation. */
  readonly onError: (error: unknown) => void;
}

const KEYED: ReadonlySet<Operation> = new Set(['create', 'update']);
const BY_ID: ReadonlySet<Operation> = new Set(['read', 'update', 'remove']);

function drawn({ chance, rates }: CallPorts): Fault | null {
  for (const fault of FAULTS) if (chance.happens(rates.calls[fault] ?? 0)) return fault;
  return null;
}

/** A key is what a stored answer and a 409 are about: without one it is a plain 500. */
function fitting(fault: Fault, operation: Operation): Fault {
  const isAboutKey = fault === '409' || fault === 'stored 500 before' || fault === 'stored 500 after';
  return isAboutKey && !KEYED.has(operation) ? 'plain 500' : fault;
}

function faultFor(ports: CallPorts, weather: Weather, operation: Operation): Fault | null {
  if (weather.healed) return null;
  const fault = weather.aimed.get(operation)?.shift() ?? drawn(ports);
  if (fault === null) return null;
  ports.onFault(fault);
  return fitting(fault, operation);
}

/** It takes effect there some time later, whatever has become of its caller. */
function later(ports: CallPorts, effect: () => Promise<unknown>): void {
  const begun_ms = ports.clock.now_ms();
  const run = async (): Promise<void> => {
    await ports.own.sleep(1 + ports.chance.int(LATE_MAX_MS), 'a late call');
    if (ports.clock.now_ms() - begun_ms < LATE_GIVEN_UP_MS) await effect();
  };
  run().catch(ports.onError);
}

/** @returns the outage in force, which ends by itself */
function outageNow({ clock }: CallPorts, weather: Weather): Outage | null {
  const { outage } = weather;
  if (outage === null) return null;
  if (clock.now_ms() < outage.until_ms && !weather.healed) return outage.how;
  weather.outage = null;
  return null;
}

/** One call of one process. */
export interface OneCall<T> {
  readonly turns: Turns;
  readonly operation: Operation;
  /** When the process let it go, before it waited for its turn. */
  readonly begun_ms: number;
  /** Does it at the system, at once and without waiting. */
  readonly effect: () => Promise<Answer<T>>;
}

/** One call, as one process makes it. */
export async function called<T>(
  ports: CallPorts,
  weather: Weather,
  { turns, operation, begun_ms, effect }: OneCall<T>,
): Promise<Answer<T>> {
  const { connection, system } = weather;
  const label = `${connection}.${operation}`;
  const timesOut = async (): Promise<Answer<T>> => {
    await turns.sleep(CALL_TIMEOUT_MS, `${label} times out`);
    return failed(TIMED_OUT);
  };
  /** A connection that breaks is noticed at once, silence only by the time-out. */
  const unanswered = (): Promise<Answer<T>> =>
    ports.chance.happens(0.5) ? timesOut() : Promise.resolve(failed(RESET));
  const moment = (phase: CallMoment['phase']): Promise<void> | null =>
    ports.onMoment({ connection, operation, phase });

  await turns.turn(`${label} arrives`);
  const arriving = moment('arriving');
  if (arriving !== null) await arriving;
  // a leap of the clock came between: no connection lives that long
  if (ports.clock.now_ms() - begun_ms > LATE_GIVEN_UP_MS) return failed(RESET);
  const outage = outageNow(ports, weather);
  if (outage !== null && !(outage === 'other account' && operation === 'identify')) {
    ports.onFault(`outage: ${outage}`);
    if (outage === 'hangs') return timesOut();
    await turns.turn(`${label} refused`);
    return failed(outageFailure(outage, BY_ID.has(operation)));
  }
  const fault = faultFor(ports, weather, operation);
  if (fault === 'never arrives') return unanswered();
  if (fault === 'hangs' || fault === 'late commit') {
    later(ports, effect);
    return fault === 'hangs' ? timesOut() : failed(FAILURE_OF[fault]);
  }
  if (fault !== null && fault !== 'answer lost') {
    const failure = FAILURE_OF[fault];
    const stored = fault === 'stored 500 before' || fault === 'stored 500 after';
    system.fail(operation, { failure, when: fault === 'stored 500 after' ? 'after' : 'before', stored });
  }
  const answer = await effect();
  const done = moment('done');
  if (done !== null) await done;
  await turns.turn(`${label} answers`);
  return fault === 'answer lost' ? unanswered() : answer;
}
