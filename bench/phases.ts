/** The course of one run: what is measured, in which order, on how many samples. */
import { setTimeout as sleep } from 'node:timers/promises';
import { acknowledgement, collectEvents, echoCost } from './acknowledgement';
import type { Acknowledged, EchoCost } from './acknowledgement';
import { cpuBetween } from './footprint';
import type { Footprint } from './footprint';
import { openFloor } from './floor';
import type { Floor } from './floor';
import type { Direction } from './floorWorker';
import { historyCost } from './histories';
import type { HistoryCost } from './histories';
import type { Known } from './localSide';
import { CHANGES_PER_S, propagationIn, propagationOut } from './propagation';
import { quantiles } from './quantiles';
import type { Quantiles } from './quantiles';
import type { Rig } from './rig';
import { firstCopy, throughputIn, throughputOut, untilQuiet } from './throughput';
import type { Drained } from './throughput';

export interface Sizes {
  readonly customers: number;
  /** Changes in each throughput phase, the floor's too; at most one per customer. */
  readonly changes: number;
  readonly propagations: number;
  readonly webhooksEach: number;
  readonly floorPropagations: number;
  readonly idle_s: number;
}

export const FULL: Sizes = {
  customers: 2_000,
  changes: 1_000,
  propagations: 200,
  webhooksEach: 1_000,
  floorPropagations: 100,
  idle_s: 20,
};
/** For trying the bench itself. */
export const QUICK: Sizes = {
  customers: 200,
  changes: 200,
  propagations: 30,
  webhooksEach: 100,
  floorPropagations: 20,
  idle_s: 5,
};

/** CPU milliseconds by part during a phase; `others` are processes that are not ours. */
export type Cpu = Readonly<Record<string, number>>;

export interface Phase<T> {
  readonly result: T;
  readonly seconds: number;
  readonly cpuMs: Cpu;
}

export interface BothWays<T> {
  readonly out: T;
  readonly in: T;
}

export interface Measured {
  readonly firstCopy: Phase<Drained>;
  readonly idle: Phase<null>;
  readonly propagation: BothWays<Phase<Quantiles>>;
  readonly throughput: BothWays<Phase<Drained>>;
  readonly acknowledgement: Phase<Acknowledged>;
  readonly echo: EchoCost;
  readonly histories: BothWays<HistoryCost>;
  /** The same while the queue is long: rings that are repeated because a look is late cost here. */
  readonly historiesUnderLoad: BothWays<HistoryCost>;
  readonly floor: {
    readonly propagation: BothWays<Quantiles>;
    readonly throughput: BothWays<Phase<Drained>>;
    readonly histories: BothWays<HistoryCost>;
  };
  readonly peakBytes: Readonly<Record<string, number>>;
}

export interface Course {
  readonly rig: Rig;
  readonly footprint: Footprint;
  readonly sizes: Sizes;
  readonly say: (line: string) => void;
}

async function phase<T>(course: Course, title: string, work: () => Promise<T>): Promise<Phase<T>> {
  course.say(`… ${title}`);
  const before = course.footprint.cpu();
  const began = performance.now();
  const result = await work();
  const seconds = (performance.now() - began) / 1000;
  return { result, seconds, cpuMs: cpuBetween(before, course.footprint.cpu()) };
}

/** `n` customers spread over all of them, so that each phase changes others than the one before it did last. */
function spread(customers: readonly Known[], n: number, offset: number): Known[] {
  const stride = Math.floor(customers.length / n);
  return Array.from({ length: n }, (_, i) => customers[i * stride + offset]).filter(
    (customer) => customer !== undefined,
  );
}

interface Timed<T> {
  readonly value: T;
  readonly from: Date;
  readonly to: Date;
}

async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const from = new Date();
  const value = await work();
  return { value, from, to: new Date() };
}

async function measureFloor(
  { rig, sizes, say, footprint }: Course,
  floor: Floor,
): Promise<Measured['floor']> {
  const course = { rig, sizes, say, footprint };
  const propagate = async (direction: Direction) => {
    const task = { direction, changes: sizes.floorPropagations, everyMs: 1000 / CHANGES_PER_S };
    return quantiles((await floor.perform(task)).latenciesMs);
  };
  const drain = (direction: Direction) =>
    timed(() =>
      phase(course, `floor, ${direction === 'out' ? 'outward' : 'inward'} throughput`, async () => {
        const { changes } = sizes;
        const { seconds } = await floor.perform({ direction, changes, everyMs: 0 });
        return { changes, seconds, perSecond: changes / seconds };
      }),
    );
  say('… floor, one at a time');
  const propagation = { out: await propagate('out'), in: await propagate('in') };
  const [out, inward] = [await drain('out'), await drain('in')];
  await sleep(1_000); // the list of runs follows the runs themselves
  return {
    propagation,
    throughput: { out: out.value, in: inward.value },
    histories: {
      out: await historyCost(floor.client, sizes.changes, out.from, out.to),
      in: await historyCost(floor.client, sizes.changes, inward.from, inward.to),
    },
  };
}

/** @throws when any part did not do its work: a bench of a system that loses changes prints nothing */
export async function measure(course: Course): Promise<Measured> {
  const { rig, sizes, say, footprint } = course;
  const copied = await phase(course, `first copy of ${sizes.customers} customers`, () =>
    firstCopy(rig, sizes.customers),
  );
  const customers = await rig.local.known();
  const idle = await phase(course, `idle for ${sizes.idle_s} s`, async () => {
    await sleep(sizes.idle_s * 1000);
    return null;
  });
  const each = sizes.propagations;
  const out = await timed(() =>
    phase(course, 'propagation outward', () => propagationOut(rig, spread(customers, each, 0))),
  );
  await untilQuiet(rig);
  const inward = await timed(() =>
    phase(course, 'propagation inward', () => propagationIn(rig, spread(customers, each, 1))),
  );
  await untilQuiet(rig);
  const throughput = {
    out: await timed(() =>
      phase(course, 'throughput outward', () => throughputOut(rig, spread(customers, sizes.changes, 0))),
    ),
    in: await timed(() =>
      phase(course, 'throughput inward', () => throughputIn(rig, spread(customers, sizes.changes, 0))),
    ),
  };
  const events = await collectEvents(rig, sizes.webhooksEach);
  const acknowledged = await phase(course, 'webhooks', () => acknowledgement(rig, events));
  const echo = await echoCost(rig, events.echoes);
  footprint.sampleMemory();
  say('… floor: starting');
  const floor = await openFloor(rig);
  try {
    return {
      firstCopy: copied,
      idle,
      propagation: { out: out.value, in: inward.value },
      throughput: { out: throughput.out.value, in: throughput.in.value },
      acknowledgement: acknowledged,
      echo,
      histories: {
        out: await historyCost(rig.temporal, each, out.from, out.to),
        in: await historyCost(rig.temporal, each, inward.from, inward.to),
      },
      historiesUnderLoad: {
        out: await historyCost(rig.temporal, sizes.changes, throughput.out.from, throughput.out.to),
        in: await historyCost(rig.temporal, sizes.changes, throughput.in.from, throughput.in.to),
      },
      floor: await measureFloor(course, floor),
      peakBytes: Object.fromEntries(footprint.peaks()),
    };
  } finally {
    await floor.close();
  }
}
