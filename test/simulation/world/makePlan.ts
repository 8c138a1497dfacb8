import type { DeleteGuard } from '../../../src/core/deleteGuard';
import type { ConflictPolicy, DeletePolicy } from '../../../src/core/fields';
import type { Chance } from '../engine/ports';
import { chanceOf, weighted } from './chance';
import { PEOPLE, WITHOUT_BIRTHS } from './motifs';
import { CALM } from './plan';
import type { Act, Citizen, Form, Plan, PlannedConnection, ProcessName, Rates, When, Where } from './plan';
import { WEATHER } from './troubles';
import { createValues } from './values';
import type { Values } from './values';

const ACTS_MIN = 3;
const ACTS_MAX = 14;
const RECORDS_MAX = 4;
/** Acts fall into a few moments, so that they meet. */
const SPAN_MS = 6_000;
const NOW: When = { kind: 'at', ms: 0 };
/** A world with nobody in it, by the usual rules. */
export const ONE_STRIPE = {
  name: null,
  onConflict: 'local',
  onDelete: 'propagate',
  deleteGuard: null,
  population: [],
  held: false,
} as const satisfies Partial<Plan>;
const ONE_DELETION: DeleteGuard = { count: 1, percent: 0, windowMs: 600_000 };

export function plannedConnection(chance: Chance, name: Where): PlannedConnection {
  const form = weighted<Form>(chance, [
    [16, 'as written'],
    [3, 'tidies'],
    [2, 'shortens names'],
    [1, 'drops names'],
  ]);
  const tellsCause = chance.happens(0.85);
  return {
    name,
    form,
    refuses: chance.happens(0.1),
    tellsCause,
    tellsPrevious: tellsCause ? chance.happens(0.95) : chance.happens(0.3),
    hasEventList: chance.happens(0.88),
    listLag_ms: chance.happens(0.2) ? 1 + chance.int(4_000) : 0,
  };
}

function citizens(chance: Chance, values: Values, names: readonly Where[]): Citizen[] {
  const count = weighted(chance, [
    [9, 1],
    [7, 2],
    [3, 3],
    [1, RECORDS_MAX],
  ]);
  return Array.from({ length: count }, (_, who): Citizen => {
    const stands = weighted<Citizen['stands']>(chance, [
      [12, 'paired'],
      [3, 'here'],
      [3, 'there'],
      [2, 'strangers'],
    ]);
    const fields = { name: values.again(who, 'name'), email: values.fresh('email') };
    const theirs = chance.happens(0.5) ? fields : { ...fields, name: values.fresh('name') };
    return { who, stands, at: chance.pick(names), fields, theirs: stands === 'strangers' ? theirs : fields };
  });
}

const upTo = (chance: Chance, most: number): number => (chance.int(100) / 100) * most;

export function ratesOf(chance: Chance, weather: Plan['weather'], lossless: boolean): Rates {
  if (weather === 'calm') return CALM;
  const much = weather === 'wild' ? 1 : 0.35;
  const call = 0.06 * much;
  return {
    calls: {
      'answer lost': upTo(chance, call),
      'never arrives': upTo(chance, call),
      hangs: upTo(chance, call / 4),
      'late commit': upTo(chance, call),
      'stored 500 before': upTo(chance, call / 2),
      'stored 500 after': upTo(chance, call / 2),
      'plain 500': upTo(chance, call),
      '409': upTo(chance, call),
      '429': upTo(chance, call),
      lock_timeout: upTo(chance, call / 2),
    },
    events: {
      dropped: lossless ? 0 : upTo(chance, 0.4 * much),
      doubled: upTo(chance, 0.4 * much),
      late: upTo(chance, 0.5 * much),
      late_ms: 200 + chance.int(5_000),
    },
    deaths: weather === 'wild' ? upTo(chance, 0.002) : 0,
    stalls: upTo(chance, 0.004 * much),
  };
}

/** Far enough apart that each is over before the next one: the history is then the same in every order of steps. */
const APART_MS = 400;

/**
 * Nobody looks before the last act, so none can wait for a call, and all stand on both sides before the first. Which deletion
 * a guard holds hangs on which is looked at first, so there is none.
 */
function heldBack(plan: Plan): Plan {
  const population = plan.population.map((one): Citizen => ({
    ...one,
    stands: 'paired',
    theirs: one.fields,
  }));
  const ms = ({ when }: Act): number => (when.kind === 'at' ? when.ms : 0);
  const inOrder = plan.acts.filter(({ deed }) => deed.kind !== 'rest').toSorted((a, b) => ms(a) - ms(b));
  return {
    ...plan,
    population,
    acts: inOrder.map(({ deed }, place): Act => ({ when: { kind: 'at', ms: place * APART_MS }, deed })),
    onConflict: plan.connections.length > 1 && plan.onConflict === 'ask' ? 'local' : plan.onConflict,
    deleteGuard: null,
  };
}

function acts(
  chance: Chance,
  values: Values,
  world: Pick<Plan, 'population' | 'workers' | 'weather' | 'held'> & { names: readonly Where[] },
): Act[] {
  const wanted =
    ACTS_MIN + Math.min(chance.int(ACTS_MAX - ACTS_MIN + 1), chance.int(ACTS_MAX - ACTS_MIN + 1));
  const moments = Array.from({ length: 1 + chance.int(3) }, () => chance.int(SPAN_MS));
  const outside = { calm: 0, rough: 0.35, wild: 0.5 }[world.weather];
  const made: Act[] = [];
  while (made.length < wanted) {
    const motif = weighted(chance, world.held ? WITHOUT_BIRTHS : chance.happens(outside) ? WEATHER : PEOPLE);
    const { who } = chance.pick(world.population);
    const scene = {
      chance,
      values,
      who,
      other: chance.pick(world.population).who,
      connection: chance.pick(world.names),
      from_ms: chance.pick(moments),
      workers: world.workers,
    };
    made.push(...motif(scene));
    if (made.length < wanted && chance.happens(0.08)) made.push({ when: NOW, deed: { kind: 'rest' } });
  }
  return made.slice(0, ACTS_MAX);
}

/** One small world in one weather. The same seed, the same plan. */
export function makePlan(seed: number): Plan {
  const chance = chanceOf(seed);
  const weather = chance.pick(['calm', 'rough', 'wild'] as const);
  const names: Where[] = chance.happens(0.3) ? ['stripe', 'crm'] : ['stripe'];
  const connections = names.map((name) => plannedConnection(chance, name));
  const values = createValues(
    chance,
    connections.some(({ refuses }) => refuses),
  );
  const workers: ProcessName[] = chance.happens(0.5) ? ['A'] : ['A', 'B'];
  const population = citizens(chance, values, names);
  const lossless = connections.some(({ hasEventList }) => !hasEventList);
  const held = weather === 'calm' && chance.happens(0.2);
  const plan: Plan = {
    seed,
    name: null,
    weather,
    connections,
    onConflict: weighted<ConflictPolicy>(chance, [
      [6, 'local'],
      [3, 'remote'],
      [1, 'ask'],
    ]),
    onDelete: weighted<DeletePolicy>(chance, [
      [6, 'propagate'],
      [1, 'detach'],
    ]),
    deleteGuard: chance.happens(0.05) ? ONE_DELETION : null,
    workers,
    population,
    acts: acts(chance, values, { population, workers, weather, held, names }),
    rates: ratesOf(chance, weather, lossless),
    held,
    schedule: chance.int(0x7fff_ffff),
  };
  return held ? heldBack(plan) : plan;
}
