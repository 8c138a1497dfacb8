/** What all processes of one run share. It outlives each of them. */
import { CATALOGS } from '../../../src/catalogs/catalogs';
import type { Catalog } from '../../../src/catalogs/catalog';
import type { Policy } from '../../../src/core/fields';
import type { CatalogName } from '../../../src/core/ids';
import { fingerprintWith } from '../../../src/store/installation';
import type { Fingerprint } from '../../../src/store/installation';
import type { ActivityLog } from '../../../activities/deps';
import type { Plan } from '../world/plan';
import type { Remotes } from '../world/remotes';
import type { Handed, Tally, Violation, Written } from './outcome';
import type { Chance, SimulatedDatabase } from './ports';
import type { Scheduler } from './scheduler';
import type { Temporal } from './temporal';

export const INSTALLATION = '0123456789abcdef';
const SECRET = Buffer.alloc(32, 7);

export interface Surroundings {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  /** Of the product's own chance and of the order of things; the weather has its own. */
  readonly chance: Chance;
  readonly database: SimulatedDatabase;
  readonly remotes: Remotes;
  readonly temporal: Temporal;
  readonly policies: ReadonlyMap<CatalogName, Policy>;
  readonly fingerprint: Fingerprint;
  readonly log: ActivityLog;
  readonly tally: Tally;
  readonly written: Written[];
  readonly handed: Handed[];
  readonly violations: Violation[];
  /** Hears of what crosses into histories and logs; null in most runs. */
  readonly spoken: string[] | null;
  /** Whether breaker and limiter are in the way of the remotes' calls. */
  readonly paced: boolean;
  /** Told when something is going on: idle loops are slow while nothing is. */
  lastNews_ms: number;
  /** Nothing goes wrong from now on. */
  healed: boolean;
}

const hmac = fingerprintWith(SECRET);
const KNOWN_MAX = 20_000;
const known = new Map<string, string>();

/** The product's own, remembered: plans have few values. */
export const FINGERPRINT: Fingerprint = (field, value) => {
  const name = JSON.stringify([field, value]);
  const before = known.get(name);
  if (before !== undefined) return before;
  if (known.size >= KNOWN_MAX) known.clear();
  const made = hmac(field, value);
  known.set(name, made);
  return made;
};

export function policiesOf({ onConflict, onDelete }: Plan): Map<CatalogName, Policy> {
  return new Map(
    [...CATALOGS.values()].map((catalog: Catalog) => {
      const rules = Object.entries(catalog.fields).map(([name, { canonical }]) => [
        name,
        { canonical, onConflict },
      ]);
      return [catalog.name, { fields: Object.fromEntries(rules), onDelete }];
    }),
  );
}

/** Since the last news, and by what idle loops pause longer then. */
const SLOWER: ReadonlyArray<readonly [after_ms: number, factor: number]> = [
  [60_000, 64],
  [3_000, 8],
];

const LEAST: ReadonlyArray<readonly [after_ms: number, ms: number]> = [
  [60_000, 2_000],
  [3_000, 1_000],
];

/** How long an idle loop pauses: longer than it asked for when nothing has happened for a while, so that nothing costs little. */
export function paused_ms({ scheduler, lastNews_ms }: Surroundings, ms: number): number {
  const since_ms = scheduler.now_ms() - lastNews_ms;
  return ms * (SLOWER.find(([after_ms]) => since_ms > after_ms)?.[1] ?? 1);
}

/** A pause that may end with work to do: only a little longer where nothing has happened for a while. */
export function shortly_ms({ scheduler, lastNews_ms }: Surroundings, ms: number): number {
  const since_ms = scheduler.now_ms() - lastNews_ms;
  return Math.max(ms, LEAST.find(([after_ms]) => since_ms > after_ms)?.[1] ?? 0);
}

/** @param broken hears of errors that are defects of the simulation itself, which the product would treat like any other */
export function createLog(spoken: string[] | null, broken: (error: unknown) => void): ActivityLog {
  const hear = (fields: object): void => {
    if ('err' in fields && isDefect(fields.err)) broken(fields.err);
  };
  const say = (fields: object, message: string): void => {
    hear(fields);
    if (spoken === null) return;
    const plain = Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? value.name : (value as unknown),
    ]);
    spoken.push(`${message} ${JSON.stringify(Object.fromEntries(plain))}`);
  };
  const log: ActivityLog = { info: say, warn: say, error: say, child: () => log };
  return log;
}

/** A text for which the memory Postgres has no twin. */
export function isDefect(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('The memory Postgres');
}
