/** Which fault when, on whom, for how long: drawn from the seed before the run, then carried out. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../simulation/engine/ports';
import { between, seededChance, shuffled } from './chance';
import { faultKind, resourcesOf } from './faults';
import type { Injection, Mend } from './fault';
import type { FaultName } from './faults';
import type { Hindrances } from './takeover';

export interface PlannedFault {
  readonly lane: number;
  readonly at_ms: number;
  readonly name: FaultName;
  readonly target: string;
  readonly for_ms: number;
  readonly drawn: Readonly<Record<string, number>>;
}

/** Faults of several lanes overlap; those of one come one after the other. Two are for processes and links, two for Stripe. */
const LANES = ['here', 'here', 'stripe', 'stripe'] as const;
type LaneKind = (typeof LANES)[number];
const FIRST_AT_MS = [1_000, 4_000] as const;
/** Between two of a lane all is well for a while, as far as that lane goes: work flows, and can be struck. */
const GAP_MS = [1_500, 6_000] as const;
/** In the last moments nothing new begins. */
const LAST_BEFORE_END_MS = 2_000;

/** What a worker needs to begin anything. */
const NEEDED = /^(worker-|workers$|temporal$|postgres$|runs$)/;

function hinders(target: string): boolean {
  return NEEDED.test(target) && target !== 'worker-simulator';
}

function laneOf(name: FaultName): LaneKind {
  return name.startsWith('stripe-') || name.startsWith('events-') ? 'stripe' : 'here';
}

/** Twice in each deck: what a killed worker had under way is measured, so there must be some. */
const TWICE: ReadonlySet<FaultName> = new Set(['kill-worker']);
/** Beginning and mending take a while themselves. */
const MARGIN_MS = 4_000;
const POSTPONED_MS = 1_000;

/** Draws from a deck what can begin at that moment; null when every target of every card is struck already. */
function deal(chance: Chance, deck: FaultName[], isFree: (target: string) => boolean) {
  for (let i = deck.length - 1; i >= 0; i -= 1) {
    const name = deck[i]!;
    const { targets: all, leftAlone } = faultKind(name);
    const targets = all.filter(isFree);
    if (targets.length === 0 || leftAlone?.targets.every(isFree) === false) continue;
    deck.splice(i, 1);
    return { name, target: chance.pick(targets) };
  }
  return null;
}

/** Each fault once, in an order of chance, then again: a long run has had them all alike. Lanes of a kind share a deck. */
export function planFaults(seed: number, length_ms: number, allowed: readonly FaultName[]): PlannedFault[] {
  const planned: PlannedFault[] = [];
  const decks: Record<LaneKind, FaultName[]> = { here: [], stripe: [] };
  const chances = LANES.map((_, lane) => seededChance(seed, `nemesis ${lane}`));
  const struckUntil = new Map<string, number>();
  const clocks = LANES.map((kind, lane) =>
    allowed.some((name) => laneOf(name) === kind) ? between(chances[lane]!, ...FIRST_AT_MS) : Infinity,
  );
  for (;;) {
    const at_ms = Math.min(...clocks);
    if (at_ms > length_ms - LAST_BEFORE_END_MS) return planned;
    const lane = clocks.indexOf(at_ms);
    const chance = chances[lane]!;
    const deck = decks[LANES[lane]!];
    if (deck.length === 0) {
      const names = allowed.filter((name) => laneOf(name) === LANES[lane]);
      deck.push(...shuffled(chance, [...names, ...names.filter((name) => TWICE.has(name))]));
    }
    const isFree = (target: string): boolean =>
      resourcesOf(target).every((resource) => (struckUntil.get(resource) ?? 0) + MARGIN_MS <= at_ms);
    const dealt = deal(chance, deck, isFree);
    if (dealt === null) {
      clocks[lane] = at_ms + POSTPONED_MS;
      continue;
    }
    const kind = faultKind(dealt.name);
    const for_ms = between(chance, ...kind.lasts_ms);
    planned.push({ lane, at_ms, ...dealt, for_ms, drawn: kind.draw?.(chance) ?? {} });
    const { targets: alone = [], for_ms: alone_ms = 0 } = kind.leftAlone ?? {};
    const strike = (resource: string, until_ms: number): void =>
      void struckUntil.set(resource, Math.max(until_ms, struckUntil.get(resource) ?? 0));
    for (const resource of resourcesOf(dealt.target)) strike(resource, at_ms + for_ms);
    for (const resource of alone) strike(resource, at_ms + alone_ms);
    clocks[lane] = at_ms + for_ms + between(chance, ...GAP_MS);
  }
}

export interface Nemesis {
  /** Carries the plan out. Resolves when it is through or was stopped; nothing is broken any more then. */
  run(): Promise<void>;
  /** No new fault begins, and what is broken is mended. */
  stop(): void;
  readonly hindrances: Hindrances;
  /** How often each has begun. */
  begun(): Readonly<Partial<Record<FaultName, number>>>;
  /** Not begun, for their target was struck already, or they could not be done. */
  skipped(): readonly string[];
}

export function createNemesis(plan: readonly PlannedFault[], injection: Injection): Nemesis {
  const stopping = new AbortController();
  const busy = new Set<string>();
  const begun: Partial<Record<FaultName, number>> = {};
  const skipped: string[] = [];
  const hindering = new Set<PlannedFault>();
  let hindered = 0;
  let began = 0;
  const stamp = (): string => ((Date.now() - began) / 1000).toFixed(1).padStart(6);

  // a pause that is broken off is over
  const pause = (ms: number): Promise<void> =>
    sleep(Math.max(0, ms), undefined, { signal: stopping.signal }).then(
      () => undefined,
      () => undefined,
    );

  async function carryOut(fault: PlannedFault): Promise<void> {
    const { name, target, for_ms, drawn } = fault;
    const label = `${name} on ${target}`;
    const resources = resourcesOf(target);
    if (resources.some((resource) => busy.has(resource)))
      return void skipped.push(`${label}: struck already`);
    for (const resource of resources) busy.add(resource);
    let mend: Mend | null = null;
    try {
      injection.note(`${stamp()} s  ${label}, ${(for_ms / 1000).toFixed(1)} s`);
      begun[name] = (begun[name] ?? 0) + 1;
      if (hinders(target)) {
        hindering.add(fault);
        hindered += 1;
      }
      mend = await faultKind(name).begin(injection, target, drawn);
      await pause(for_ms);
    } catch (error) {
      skipped.push(`${label}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      try {
        await mend?.();
      } catch (error) {
        skipped.push(`mending ${label}: ${error instanceof Error ? error.message : String(error)}`);
      }
      for (const resource of resources) busy.delete(resource);
      hindering.delete(fault);
    }
  }

  async function lane(faults: readonly PlannedFault[]): Promise<void> {
    for (const fault of faults) {
      await pause(fault.at_ms - (Date.now() - began));
      if (stopping.signal.aborted) return;
      await carryOut(fault);
    }
  }

  return {
    async run() {
      began = Date.now();
      await Promise.all(LANES.map((_, index) => lane(plan.filter((fault) => fault.lane === index))));
    },
    stop: () => stopping.abort(),
    hindrances: { active: () => hindering.size, begun: () => hindered },
    begun: () => begun,
    skipped: () => skipped,
  };
}
