/** Seeded sequences of interleaved statements, run on the memory Postgres and on a real one, and compared. */
import { chanceOf } from '../world/chance';
import type { Chance } from '../engine/ports';
import { Interleaved } from './interleaved';
import type { Contender, Deed, Step, Told } from './interleaved';
import { memoryContender, postgresContender } from './contenders';
import { OPERATIONS } from './operationsAround';
import { Names, renamedContents } from './renamed';
import type { VirtualPostgres } from './postgresDatabase';

const STEPS_MAX = 60;
const LEAPS_MS = [1, 1, 1, 3, 120, 300, 2_500] as const;
/** What a sequence is about: few groups, so that their statements meet. */
const THEMES: ReadonlyArray<{ readonly groups: readonly string[]; readonly first: readonly string[] }> = [
  { groups: ['links', 'intents', 'conflicts'], first: ['intents.openIntent', 'conflicts.recordLost'] },
  { groups: ['product', 'records', 'queue', 'links'], first: ['product.remove', 'queue.readHint'] },
  { groups: ['product', 'records', 'links', 'events', 'queue'], first: ['product.insert'] },
  {
    groups: ['queue', 'breakers', 'connections'],
    first: ['queue.enqueue', 'queue.readHint', 'queue.postpone'],
  },
  {
    groups: ['sweeps', 'sweepReadings', 'sweepFindings', 'links'],
    first: ['sweeps.request', 'sweepFindings.noteFindings'],
  },
  {
    groups: ['deletes', 'deletes', 'links', 'product'],
    first: ['deletes.admitDeletion', 'links.proveRemoteDeletion', 'product.remove', 'deletes.admitDeletion'],
  },
  { groups: ['adoption', 'links', 'intents', 'events', 'product'], first: ['adoption.adopt'] },
  {
    groups: ['paces', 'cursors', 'endpoints', 'connections'],
    first: ['cursors.startCursor', 'endpoints.keepMade', 'paces.slowDown'],
  },
  { groups: Object.keys(OPERATIONS), first: [] },
];
type Theme = (typeof THEMES)[number];

const draw = (chance: Chance): number => chance.int(720_720);

function call(chance: Chance, group: string, name: string): Deed {
  return { kind: 'call', group, name, dice: Array.from({ length: 24 }, () => draw(chance)) };
}

const named = (chance: Chance, label: string): Deed => {
  const [group, name] = label.split('.');
  return call(chance, group!, name!);
};

/** So that most sequences have something to work on. */
function beginnings(chance: Chance, theme: Theme): Step[] {
  const labels = [
    'connections.register',
    'connections.register',
    'connections.register',
    'connections.keepIdentity',
    'paces.prepare',
    'product.insert',
    'product.insert',
    'links.reserveForRemote',
    'links.reserveForRecord',
    'links.beginLook',
    'links.takeFence',
    'links.writeFenced',
    ...theme.first,
    ...theme.first,
  ];
  return labels.map((label) => ({ session: 0, ms: 1, deed: named(chance, label) }));
}

/** @param failed its transaction takes nothing but its end any more */
function nextDeed(chance: Chance, theme: Theme, inTransaction: boolean, failed: boolean): Deed {
  if (!inTransaction && chance.happens(0.6)) return { kind: 'begin' };
  if (inTransaction && chance.happens(failed ? 0.8 : 0.2))
    return { kind: chance.happens(0.7) ? 'commit' : 'rollback' };
  const group = chance.pick(theme.groups);
  return call(chance, group, chance.pick(Object.keys(OPERATIONS[group]!)));
}

export interface Run {
  readonly steps: readonly Step[];
  readonly told: readonly unknown[];
  readonly contents: Record<string, unknown>;
}

function shown(names: Names, told: Told): unknown {
  return {
    heard: told.heard.map((seen) =>
      'answer' in seen
        ? {
            session: seen.session,
            answer: Array.isArray(seen.answer) ? names.sorted(seen.answer) : names.of(seen.answer),
          }
        : { session: seen.session, failed: seen.failed },
    ),
    waiting: told.waiting,
  };
}

async function finished(
  run: Interleaved,
  contender: Contender,
  steps: Step[],
  told: unknown[],
  names: Names,
): Promise<Run> {
  await run.end();
  return { steps, told, contents: renamedContents(names, await contender.contents()) };
}

/** Runs these steps; `next` goes on from there until it has none. */
async function play(contender: Contender, sessions: number, steps: readonly Step[]): Promise<Run> {
  const run = new Interleaved(contender, sessions);
  const names = new Names();
  const told: unknown[] = [];
  for (const step of steps) {
    const heard = await run.step(step);
    told.push(heard === null ? null : shown(names, heard));
  }
  return finished(run, contender, [...steps], told, names);
}

/** Of one sequence: steps that were taken back. */
const RETRIES_MAX = 8;

/**
 * A sequence of steps for a seed, found by playing it in memory. No two sessions wait at once: which of them goes on first is
 * Postgres's choice, and no difference. A step that would do that is taken back, by playing all before it again.
 */
export async function findSteps(seed: number): Promise<{ sessions: number; steps: Step[] }> {
  const chance = chanceOf(seed);
  const sessions = 2 + chance.int(3);
  const theme = chance.pick(THEMES);
  const begin = beginnings(chance, theme);
  const steps: Step[] = [];
  let run = new Interleaved(memoryContender(seed), sessions);
  let retries = 0;
  for (let i = 0; i < begin.length + 10 + STEPS_MAX; i += 1) {
    const free = Array.from({ length: sessions }, (_, n) => n).filter((n) => !run.isWaiting(n));
    const session = chance.pick(free);
    const { inTransaction, failed } = run.stateOf(session);
    const step = begin[i] ?? {
      session,
      ms: chance.pick(LEAPS_MS),
      deed: nextDeed(chance, theme, inTransaction, failed),
    };
    const told = await run.step(step);
    if (told !== null && told.waiting.length > 1) {
      retries += 1;
      if (retries > RETRIES_MAX) break;
      run = new Interleaved(memoryContender(seed), sessions);
      for (const before of steps) await run.step(before);
    } else steps.push(step);
  }
  return { sessions, steps };
}

export interface Difference {
  readonly seed: number;
  readonly steps: readonly string[];
  readonly memory: unknown;
  readonly postgres: unknown;
}

const words = ({ session, ms, deed }: Step): string =>
  `${session} +${ms}: ${deed.kind === 'call' ? `${deed.group}.${deed.name}` : deed.kind}`;

/** @returns null when both agreed at every step and in the end */
export async function compare(postgres: VirtualPostgres, seed: number): Promise<Difference | null> {
  const { sessions, steps } = await findSteps(seed);
  return compareSteps(postgres, seed, sessions, steps);
}

export async function compareSteps(
  postgres: VirtualPostgres,
  seed: number,
  sessions: number,
  steps: readonly Step[],
): Promise<Difference | null> {
  const memory = await play(memoryContender(seed), sessions, steps);
  const real = await play(await postgresContender(postgres, seed), sessions, steps);
  for (const [i, told] of memory.told.entries()) {
    if (JSON.stringify(told) !== JSON.stringify(real.told[i]))
      return { seed, steps: steps.slice(0, i + 1).map(words), memory: told, postgres: real.told[i] };
  }
  for (const [table, rows] of Object.entries(memory.contents)) {
    const theirs = real.contents[table];
    if (JSON.stringify(rows) !== JSON.stringify(theirs))
      return { seed, steps: steps.map(words), memory: { [table]: rows }, postgres: { [table]: theirs } };
  }
  return null;
}

/** All that a real Postgres answers in one sequence, with the ids, numbers and times it drew. */
export async function historyOf(postgres: VirtualPostgres, seed: number): Promise<string> {
  const { sessions, steps } = await findSteps(seed);
  const contender = await postgresContender(postgres, seed);
  const run = new Interleaved(contender, sessions);
  const told: unknown[] = [];
  for (const step of steps) told.push(await run.step(step));
  await run.end();
  return JSON.stringify([told, await contender.contents()]);
}
