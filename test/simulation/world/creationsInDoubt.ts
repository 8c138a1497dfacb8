/**
 * Worlds in which nothing happens but that customers are made here and nobody hears what became of it there: answers that are
 * lost, proxies that give up, keys that have expired when it is asked again, attempts that stall beyond their lease, an e-mail
 * that is edited or gone meanwhile, or was never there.
 */
import type { Chance } from '../engine/ports';
import { chanceOf, weighted } from './chance';
import { ONE_STRIPE, plannedConnection, ratesOf } from './makePlan';
import type { Act, Deed, Fault, Plan, ProcessName, Where, Who } from './plan';
import { at, during, here } from './scene';
import { DAY_MS } from './troubles';
import { createValues } from './values';
import type { Values } from './values';

const CREATIONS_MIN = 6;
const CREATIONS_MAX = 10;
const FIRST: Who = 200;
const CONNECTION: Where = 'stripe';
/** Creations begin within this time, and what else is done to a customer follows within the same. */
const SPAN_MS = 4_000;
/** Within it a call is asked for again several times, and then traced. */
const LATER_MS = 12_000;

/** What a creation meets: after each of these its caller does not know. */
const DOUBTS: ReadonlyArray<readonly [number, Fault]> = [
  [5, 'answer lost'],
  [3, 'late commit'],
  [2, 'hangs'],
  [3, 'stored 500 after'],
  [1, 'stored 500 before'],
  [1, 'never arrives'],
];

function next(chance: Chance, values: Values, who: Who): Deed {
  const theirs = { connection: CONNECTION, who };
  return weighted<Deed>(chance, [
    [4, here('update', who, { email: values.any(who, 'email') })],
    [2, here('update', who, { email: null })],
    [2, here('update', who, { name: values.any(who, 'name') })],
    [3, here('remove', who)],
    [1, here('restore', who, { name: values.fresh('name'), email: values.fresh('email') })],
    [2, { kind: 'edit there', ...theirs, fields: values.edit(who) }],
    [2, { kind: 'erase there', ...theirs }],
  ]);
}

/** One customer is made here, and perhaps goes on living while nobody knows whether it stands there. */
function creation(chance: Chance, values: Values, place: number): Act[] {
  const who = FIRST + place;
  const begun_ms = chance.int(SPAN_MS);
  const email = chance.happens(0.25) ? null : values.fresh('email');
  const fields = { name: chance.happens(0.1) ? null : values.fresh('name'), email };
  const acts: Act[] = [{ when: at(begun_ms), deed: here('insert', who, fields) }];
  for (let left = chance.int(3); left > 0; left -= 1) {
    const when = weighted(chance, [
      [2, during(CONNECTION, 'create', chance.pick(['arriving', 'done']), 1 + chance.int(place + 2))],
      [2, at(begun_ms + chance.int(SPAN_MS))],
      [1, at(begun_ms + chance.int(LATER_MS))],
    ]);
    acts.push({ when, deed: next(chance, values, who) });
  }
  return acts;
}

/** What happens to us meanwhile: a stall, a death, a day of silence in which the keys expire. */
function troubles(chance: Chance, workers: readonly ProcessName[], creations: number): Act[] {
  const acts: Act[] = [];
  const held = (): Act['when'] =>
    during(CONNECTION, 'create', chance.pick(['arriving', 'done']), 1 + chance.int(creations));
  if (chance.happens(0.4)) {
    const process = chance.pick(workers);
    acts.push({ when: held(), deed: { kind: 'stall', process, for_ms: 9_000 + chance.int(40_000) } });
  }
  if (chance.happens(0.25)) {
    const process = chance.pick(workers);
    acts.push({ when: held(), deed: { kind: 'kill', process, for_ms: 50 + chance.int(5_000) } });
  }
  if (chance.happens(0.35)) {
    const for_ms = 4_000 + chance.int(LATER_MS);
    const begins_ms = chance.int(SPAN_MS);
    acts.push(
      { when: at(begins_ms), deed: { kind: 'outage', connection: CONNECTION, how: 'silent', for_ms } },
      { when: at(begins_ms + chance.int(for_ms)), deed: { kind: 'leap', ms: DAY_MS } },
    );
  }
  return acts;
}

/** The same seed, the same plan. */
export function makePlanOfDoubts(seed: number): Plan {
  const chance = chanceOf(seed);
  const planned = plannedConnection(chance, CONNECTION);
  const values = createValues(chance, planned.refuses);
  const workers: ProcessName[] = chance.happens(0.5) ? ['A'] : ['A', 'B'];
  const creations = CREATIONS_MIN + chance.int(CREATIONS_MAX - CREATIONS_MIN + 1);
  const doubts = Array.from({ length: creations + chance.int(creations) }, (): Act => ({
    when: at(0),
    deed: { kind: 'fault', connection: CONNECTION, operation: 'create', fault: weighted(chance, DOUBTS) },
  }));
  const people = Array.from({ length: creations }, (_, place) => creation(chance, values, place)).flat();
  const weather = chance.pick(['calm', 'rough', 'wild'] as const);
  return {
    ...ONE_STRIPE,
    seed,
    weather,
    connections: [planned],
    workers,
    acts: [...doubts, ...people, ...troubles(chance, workers, creations)],
    rates: ratesOf(chance, weather, !planned.hasEventList),
    schedule: chance.int(0x7fff_ffff),
  };
}
