/** What clients will do and when: drawn from the seed before the run. On which record is chosen when its time has come. */
import type { Chance } from '../simulation/engine/ports';
import { between, seededChance } from './chance';
import type { Values } from './history';

export type Via = 'api-a' | 'api-b' | 'sql' | 'dashboard';

export interface PlannedOperation {
  readonly number: number;
  readonly at_ms: number;
  readonly kind: 'create' | 'edit' | 'delete' | 'restore';
  readonly via: Via;
  readonly values: Values;
  /** Which of the records there are, 0 to 1. */
  readonly which: number;
  /** REST only: the ETag that the client saw last, or one that is old. */
  readonly ifMatch: 'none' | 'seen' | 'stale';
  /** REST only: the same request is repeated under its key until it is answered. */
  readonly key: string | null;
}

/** In every value a client writes, and so in no log, metric or history. */
export const CANARY = 'cnry7f3a';
const BETWEEN_MS = [80, 360] as const;
/** Values that several clients write, so that A -> B -> A and the same edit on both sides come about. */
const SHARED_VALUES = 6;

function nameOf(chance: Chance, number: number): string | null {
  const drawn = chance.int(100);
  if (drawn < 12) return `${CANARY} shared ${chance.int(SHARED_VALUES)}`;
  // another writing of the same: decomposed, with blanks around
  if (drawn < 18) return `  ${CANARY} Zoe\u0308 ${number} `;
  if (drawn < 21) return null;
  return `${CANARY} n${number}`;
}

function emailOf(chance: Chance, number: number): string | null {
  const drawn = chance.int(100);
  if (drawn < 8) return `${CANARY}.shared${chance.int(SHARED_VALUES)}@example.com`;
  if (drawn < 14) return `${CANARY.toUpperCase()}.E${number}@Example.com`;
  if (drawn < 18) return null;
  return `${CANARY}.e${number}@example.com`;
}

function editOf(chance: Chance, number: number): Values {
  const drawn = chance.int(10);
  if (drawn < 6) return { name: nameOf(chance, number) };
  if (drawn < 9) return { email: emailOf(chance, number) };
  return { name: nameOf(chance, number), email: emailOf(chance, number) };
}

/** A new one always has a name of its own, by which it is found when its id was never told. */
function birthOf(chance: Chance, number: number): Values {
  return { name: `${CANARY} n${number}`, email: emailOf(chance, number) };
}

function kindOf(chance: Chance, via: Via): PlannedOperation['kind'] {
  const drawn = chance.int(100);
  if (drawn < 18) return 'create';
  if (drawn < 28) return 'delete';
  if (drawn < 35) return via === 'dashboard' ? 'edit' : 'restore';
  return 'edit';
}

function viaOf(chance: Chance): Via {
  const drawn = chance.int(100);
  if (drawn < 24) return 'api-a';
  if (drawn < 48) return 'api-b';
  return drawn < 60 ? 'sql' : 'dashboard';
}

function drawOperation(chance: Chance, number: number, at_ms: number): PlannedOperation {
  const via = viaOf(chance);
  const kind = kindOf(chance, via);
  const values = kind === 'create' ? birthOf(chance, number) : kind === 'edit' ? editOf(chance, number) : {};
  // a few records are wanted by many
  const which = chance.int(1_000_000) / 1_000_000;
  const matched = chance.int(10);
  return {
    number,
    at_ms,
    kind,
    via,
    values,
    which: chance.happens(0.5) ? which ** 3 : which,
    ifMatch: matched < 6 ? 'none' : matched < 9 ? 'seen' : 'stale',
    key: (kind === 'create' || kind === 'restore') && chance.happens(0.6) ? chance.uuid() : null,
  };
}

export function planOperations(seed: number, length_ms: number): PlannedOperation[] {
  const chance = seededChance(seed, 'operations');
  const planned: PlannedOperation[] = [];
  for (let at_ms = 500; at_ms < length_ms; at_ms += between(chance, ...BETWEEN_MS)) {
    planned.push(drawOperation(chance, planned.length + 1, at_ms));
  }
  return planned;
}

/** What stands on one side only before the first fault (I5). Their numbers are negative. */
export function startPopulation(seed: number, count: number): PlannedOperation[] {
  const chance = seededChance(seed, 'start');
  return Array.from({ length: count }, (_, i) => ({
    ...drawOperation(chance, -1 - i, 0),
    kind: 'create' as const,
    via: i % 2 === 0 ? ('sql' as const) : ('dashboard' as const),
    values: { name: `${CANARY} s${i}`, email: `${CANARY}.s${i}@example.com` },
    key: null,
  }));
}
