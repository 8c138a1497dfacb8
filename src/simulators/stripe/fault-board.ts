/**
 * The faults that were asked for, and which request each strikes. A fault waits for requests that match it, lets
 * `after` of them pass, then strikes `times` of them, or each with the probability `rate`.
 */

import { seeded } from './seeded';
import { type AskedFault, MAX_FAULTS, rowOf, type Stage, withDefaults } from './fault-table';

export type Fault = AskedFault & { id: string; struck: number };

/** What of a request decides whether a fault matches. */
export type Struck = { method: string; path: string; key: string | null; apiKey: string };

/** Ended faults are still shown, so that a test sees that they struck. */
const MAX_ENDED_SHOWN = 100;

type Entry = { fault: Fault; chance: (() => number) | null; passed: number };

export class FaultBoard {
  private entries: Entry[] = [];
  private ended: Fault[] = [];
  private count = 0;

  /** @returns null, and nothing is added, when more than 1,000 would be active */
  add(asked: readonly AskedFault[]): Fault[] | null {
    const lasting = asked.filter((fault) => rowOf(fault.name).stage !== 'at_once');
    if (this.entries.length + lasting.length > MAX_FAULTS) return null;
    return asked.map((each) => {
      this.count += 1;
      const fault: Fault = { id: `flt_${this.count}`, struck: 0, ...withDefaults(each) };
      if (!lasting.includes(each)) {
        fault.struck = 1;
        this.end(fault);
        return fault;
      }
      const chance = fault.rate === undefined ? null : seeded(fault.seed ?? 0);
      this.entries.push({ fault, chance, passed: 0 });
      return fault;
    });
  }

  active(): Fault[] {
    return this.entries.map(({ fault }) => fault);
  }

  /** Used up, the last ones. */
  usedUp(): Fault[] {
    return this.ended;
  }

  get size(): number {
    return this.entries.length;
  }

  clear(): void {
    this.entries = [];
    this.ended = [];
  }

  /** @returns whether there was an active fault with this id */
  remove(id: string): boolean {
    const before = this.entries.length;
    this.entries = this.entries.filter(({ fault }) => fault.id !== id);
    return this.entries.length < before;
  }

  /** The first fault of this stage that strikes this request, used up by one. */
  strike(stage: Stage, request: Struck): Fault | undefined {
    return this.strikes(stage, request).next().value;
  }

  /** Every fault of this stage that strikes this request, used up by one each. */
  strikeAll(stage: Stage, request: Struck, applies: (fault: Fault) => boolean = () => true): Fault[] {
    return [...this.strikes(stage, request, applies)];
  }

  private *strikes(
    stage: Stage,
    request: Struck,
    applies: (fault: Fault) => boolean = () => true,
  ): Generator<Fault, undefined> {
    for (const entry of this.entries) {
      const { fault } = entry;
      if (rowOf(fault.name).stage !== stage || !matches(fault, request) || !applies(fault)) continue;
      if (this.spares(entry)) continue;
      fault.struck += 1;
      if (fault.struck === fault.times) {
        this.entries = this.entries.filter((each) => each !== entry);
        this.end(fault);
      }
      yield fault;
    }
    return undefined;
  }

  private spares(entry: Entry): boolean {
    const { fault, chance } = entry;
    if (entry.passed < (fault.after ?? 0)) {
      entry.passed += 1;
      return true;
    }
    return chance !== null && chance() >= (fault.rate ?? 1);
  }

  private end(fault: Fault): void {
    this.ended.push(fault);
    if (this.ended.length > MAX_ENDED_SHOWN) this.ended.shift();
  }
}

function matches(fault: Fault, { method, path, key, apiKey }: Struck): boolean {
  if (rowOf(fault.name).needsKey === true && key === null) return false;
  if (fault.method !== undefined && fault.method !== method) return false;
  if (fault.keyed !== undefined && fault.keyed !== (key !== null)) return false;
  if (fault.api_key !== undefined && fault.api_key !== apiKey) return false;
  return fault.path === undefined || pathMatches(fault.path, path);
}

function pathMatches(pattern: string, path: string): boolean {
  if (pattern.endsWith('*')) return path.startsWith(pattern.slice(0, -1));
  const wanted = pattern.split('/');
  const given = path.split('/');
  return wanted.length === given.length && wanted.every((part, i) => part === ':id' || part === given[i]);
}
