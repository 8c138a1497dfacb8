/** Histories of a world: people and looks in any order and weather, then quiet looks. */
import fc from 'fast-check';
import type { Fields } from '../../../src/core/fields';
import type { Tally } from './tally';
import { anyRules, FIELDS, VALUES } from './values';
import type { FieldName, Rules } from './values';
import { FRESH, World } from './world';
import type { Shape, Start } from './world';
import { look } from './worldLook';
import type { Fate } from './worldLook';

type Deed =
  | { readonly kind: 'edit here' | 'edit there' | 'restore anew'; readonly values: Fields }
  | { readonly kind: 'delete here' | 'delete there' | 'restore' };

export type Happening =
  | Deed
  | { readonly kind: 'key forgotten' }
  | {
      readonly kind: 'look';
      readonly fate: Fate;
      readonly before: readonly Deed[];
      readonly after: readonly Deed[];
    };

export interface History {
  readonly rules: Rules;
  readonly shape: Shape;
  readonly start: Start;
  readonly values: Fields;
  readonly happenings: readonly Happening[];
  /** For the law of order: the same deeds, none of them looked at before all are done, then looks in this weather. */
  readonly weather: ReadonlyArray<Fate | 'key forgotten'>;
}

const valueOf = (field: FieldName) => fc.constantFrom(...VALUES[field], FRESH, FRESH, FRESH);
const whole = fc.record({ name: valueOf('name'), email: valueOf('email'), plan: valueOf('plan') });
const part = fc
  .tuple(whole, fc.constantFrom<FieldName[]>(['name'], ['email'], ['plan'], ['name', 'email'], [...FIELDS]))
  .map(([values, fields]): Fields => Object.fromEntries(fields.map((field) => [field, values[field]])));
const anyEdit: fc.Arbitrary<Deed> = fc.record({
  kind: fc.constantFrom('edit here' as const, 'edit there' as const),
  values: part,
});
const anyDeed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 5, arbitrary: anyEdit },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Deed>({ kind: 'delete here' }, { kind: 'delete there' }, { kind: 'restore' }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restore anew' as const), values: part }) },
);
const anyFate = fc.constantFrom<Fate>('answered', 'answered', 'request lost', 'answer lost');
const few = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Deed[]>([]) },
  { weight: 1, arbitrary: fc.array(anyDeed, { maxLength: 2 }) },
);
const anyHappening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 5, arbitrary: anyDeed },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('look' as const), fate: anyFate, before: few, after: few }),
  },
  { weight: 2, arbitrary: fc.constant<Happening>({ kind: 'key forgotten' }) },
);

export const anyHistory: fc.Arbitrary<History> = fc.record({
  rules: anyRules('local', 'remote', 'ask'),
  shape: fc.constantFrom<Shape>('as written', 'as written', 'shortens names', 'drops plans'),
  start: fc.constantFrom<Start>('agreed', 'agreed', 'born here', 'born there'),
  values: whole,
  happenings: fc.array(anyHappening, { maxLength: 12 }),
  weather: fc.array(fc.constantFrom<Fate | 'key forgotten'>('request lost', 'answer lost', 'key forgotten'), {
    maxLength: 4,
  }),
});

function act(world: World, deed: Deed): void {
  switch (deed.kind) {
    case 'edit here':
      return world.editHere(deed.values);
    case 'edit there':
      return world.editThere(deed.values);
    case 'delete here':
      return world.deleteHere();
    case 'delete there':
      return world.deleteThere();
    case 'restore':
      return world.restore(null);
    case 'restore anew':
      return world.restore(deed.values);
  }
}

function happen(world: World, one: Happening): void {
  if (one.kind === 'key forgotten') world.forgetKey();
  else if (one.kind === 'look') {
    const all = (deeds: readonly Deed[]) => (of: World) => deeds.forEach((deed) => act(of, deed));
    look(world, { fate: one.fate, before: all(one.before), after: all(one.after) });
  } else act(world, one);
}

/** "Writes stop within two looks" (I7), and one more for each generation that ends on the way. */
export const LOOKS_MAX = 6;

export interface Ended {
  readonly history: History;
  readonly world: World;
  /** Quiet looks until one changed nothing. */
  readonly looks: number;
  /** The same deeds under two weathers, none seen before all were done. */
  readonly clear: World;
  readonly stormy: World;
}

export function picture({ record, objects, link, intent, lost }: World): string {
  return JSON.stringify([record, objects, link, intent, lost]);
}

function settle(world: World): number {
  for (let looks = 1; looks <= LOOKS_MAX; looks += 1) {
    const before = picture(world);
    look(world);
    if (picture(world) === before) return looks;
  }
  return LOOKS_MAX + 1;
}

function begin({ rules, shape, start, values }: History, tally: Tally): World {
  return new World(rules, shape, start, values, tally);
}

function isDeed(one: Happening): one is Deed {
  return one.kind !== 'look' && one.kind !== 'key forgotten';
}

export function live(history: History, tally: Tally): Ended {
  const world = begin(history, tally);
  for (const one of history.happenings) happen(world, one);
  const looks = settle(world);
  const [clear, stormy] = [begin(history, tally), begin(history, tally)];
  for (const deed of history.happenings.filter(isDeed)) for (const each of [clear, stormy]) act(each, deed);
  for (const one of history.weather) {
    happen(
      stormy,
      one === 'key forgotten' ? { kind: one } : { kind: 'look', fate: one, before: [], after: [] },
    );
  }
  settle(clear);
  settle(stormy);
  return { history, world, looks, clear, stormy };
}
