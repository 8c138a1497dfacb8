import type { Chance } from '../engine/ports';

/** A sequence of 32 bits from a seed: sfc32, small and fast, good enough for scheduling (pracrand.sourceforge.net/RNG_engines.txt). */
function sequence(seed: number): () => number {
  let a = 0x9e3779b9;
  let b = seed | 0;
  let c = (seed / 0x1_0000_0000) | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  // neighbouring seeds are alike for the first few numbers
  for (let round = 0; round < 12; round += 1) next();
  return next;
}

const hex = (number: number): string => number.toString(16).padStart(8, '0');

/** All that a simulation knows of chance. The same seed, the same answers. */
export function chanceOf(seed: number): Chance {
  const next = sequence(seed);
  const chance: Chance = {
    int: (below) => Math.floor((next() / 0x1_0000_0000) * below),
    happens: (probability) => probability > 0 && next() < probability * 0x1_0000_0000,
    pick(list) {
      const [first] = list;
      if (first === undefined) throw new Error('Nothing to pick from');
      return list[chance.int(list.length)] ?? first;
    },
    uuid() {
      const [a, b, c, d] = [hex(next()), hex(next()), hex(next()), hex(next())];
      return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-8${c.slice(1, 4)}-${c.slice(4)}${d}`;
    },
  };
  return chance;
}

/** One of these, as often as its weight says. */
export function weighted<T>(chance: Chance, weights: ReadonlyArray<readonly [number, T]>): T {
  let left = chance.int(weights.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, value] of weights) {
    if (left < weight) return value;
    left -= weight;
  }
  throw new Error('Weights must be whole numbers above 0');
}
