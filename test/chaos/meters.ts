/**
 * What the processes told Prometheus, all the time: a counter begins at 0 with its process, so each process's last word before it
 * was killed counts, and in the end all that live are asked once more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { scrape } from '../environment/scrape';
import type { Sample } from '../environment/scrape';

const READ_EVERY_MS = 1_000;
const READ_MS = 1_000;
const LAST_READ_MS = 10_000;

/** One process from its start to its end. */
export interface Lifetime {
  readonly process: string;
  readonly pid: number;
  /** The newest that it told. */
  readonly samples: readonly Sample[];
}

export interface Metered {
  readonly lifetimes: readonly Lifetime[];
  /** Those of them that live in the end, told when everything had come to rest. */
  readonly living: readonly Lifetime[];
  /** Counters that were less than before in one life. */
  readonly backwards: readonly string[];
}

export interface Meters {
  start(): void;
  /** Asks all of them once more, and ends. @throws when one does not answer */
  last(): Promise<Metered>;
}

export interface MeteredProcess {
  readonly name: string;
  readonly url: string;
  readonly pid: () => number | null;
}

const keyOf = ({ name, labels }: Sample): string => `${name} ${JSON.stringify(labels)}`;

/** @returns our counters that the later reading has less of, or no more at all */
export function wentBackwards(before: readonly Sample[], after: readonly Sample[]): string[] {
  const now = new Map(after.map((sample) => [keyOf(sample), sample.value]));
  return before
    .filter(({ name }) => /^counterpart_\w+_total$/.test(name))
    .filter((sample) => (now.get(keyOf(sample)) ?? 0) < sample.value)
    .map((sample) => `${keyOf(sample)}: ${sample.value}, then ${now.get(keyOf(sample)) ?? 'nothing'}`);
}

export function createMeters(processes: readonly MeteredProcess[]): Meters {
  const lifetimes = new Map<string, Lifetime>();
  const backwards: string[] = [];
  let running: Promise<void> | null = null;
  const stopping = new AbortController();

  async function read({ name, url, pid }: MeteredProcess, patience_ms: number): Promise<Lifetime | null> {
    const before = pid();
    const samples = await scrape(url, patience_ms);
    // started anew meanwhile: nobody knows who answered
    if (before === null || pid() !== before) return null;
    const key = `${name} ${before}`;
    const known = lifetimes.get(key);
    if (known !== undefined)
      backwards.push(...wentBackwards(known.samples, samples).map((what) => `${key}: ${what}`));
    const lifetime = { process: name, pid: before, samples };
    lifetimes.set(key, lifetime);
    return lifetime;
  }

  async function readOn(): Promise<void> {
    while (!stopping.signal.aborted) {
      // held, ended or cut off from Postgres: what it told before counts
      await Promise.allSettled(processes.map((process) => read(process, READ_MS)));
      // a pause that is broken off is over
      await sleep(READ_EVERY_MS, undefined, { ref: false, signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    start: () => void (running ??= readOn()),
    async last() {
      stopping.abort();
      await running;
      const living = await Promise.all(processes.map((process) => read(process, LAST_READ_MS)));
      return {
        lifetimes: [...lifetimes.values()],
        living: living.filter((lifetime) => lifetime !== null),
        backwards,
      };
    },
  };
}
