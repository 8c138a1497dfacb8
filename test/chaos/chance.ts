/** The one source of chance of a chaos run: the same seed gives the same plan of faults and operations. */
import { seeded } from '../../src/simulators/stripe/seeded';
import type { Chance } from '../simulation/engine/ports';

/** @param stream plans that are drawn from different streams of one seed do not shift each other */
export function seededChance(seed: number, stream: string): Chance {
  let mixed = seed | 0;
  for (const letter of stream) mixed = Math.imul(mixed ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  const next = seeded(mixed);
  const int = (below: number): number => Math.floor(next() * below);
  return {
    int,
    happens: (probability) => next() < probability,
    pick(list) {
      const picked = list[int(list.length)];
      if (picked === undefined) throw new Error('Nothing to pick from');
      return picked;
    },
    uuid() {
      const digits = Array.from({ length: 32 }, () => int(16).toString(16));
      digits[12] = '4';
      digits[16] = (8 + int(4)).toString(16);
      return digits.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    },
  };
}

/** A whole number from `low` to `high`, both included. */
export function between(chance: Chance, low: number, high: number): number {
  return low + chance.int(high - low + 1);
}

export function shuffled<T>(chance: Chance, list: readonly T[]): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = chance.int(i + 1);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}
