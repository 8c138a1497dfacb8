import type { Fields } from '../../../src/core/fields';
import { CALM } from './plan';
import type {
  Act,
  Citizen,
  Deed,
  Fault,
  Operation,
  Plan,
  PlannedConnection,
  When,
  Where,
  Who,
  WriteHere,
} from './plan';

export interface Story {
  /** Begins with the numbers of the failures it shows. */
  readonly name: string;
  readonly acts: readonly Act[];
  /** Without it Ann alone, in sync. */
  readonly population?: readonly Citizen[];
  readonly with?: Partial<Pick<Plan, 'onConflict' | 'onDelete' | 'deleteGuard' | 'workers' | 'rates'>>;
  readonly stripe?: Partial<PlannedConnection>;
  /** Present: there is a second connection. */
  readonly crm?: Partial<PlannedConnection>;
}

export const ANN: Who = 0;
export const BEN: Who = 1;
/** Somebody who is not there at the start. */
export const NEW: Who = 5;

export const name = (letter: string): Fields => ({ name: `Canary ${letter}` });
export const mail = (letter: string): Fields => ({ email: `canary.${letter}@example.com` });
export const both = (letter: string): Fields => ({ ...name(letter), ...mail(letter) });

export function citizen(who: Who, stands: Citizen['stands'], fields: Fields = both(`of ${who}`)): Citizen {
  const own = {
    ...fields,
    ...(fields['email'] === undefined ? {} : { email: String(fields['email']).replaceAll(' ', '.') }),
  };
  return { who, stands, at: 'stripe', fields: own, theirs: own };
}

export const at = (ms: number, deed: Deed): Act => ({ when: { kind: 'at', ms }, deed });
export const rest: Act = { when: { kind: 'at', ms: 0 }, deed: { kind: 'rest' } };

export function during(
  operation: Operation,
  phase: 'arriving' | 'done',
  deed: Deed,
  { connection = 'stripe', nth = 1 }: { connection?: Where; nth?: number } = {},
): Act {
  const when: When = { kind: 'call', connection, operation, nth, phase };
  return { when, deed };
}

export const write = (does: WriteHere['does'], who: Who, fields: Fields = {}): Deed => ({
  kind: 'write here',
  writes: [{ does, who, fields }],
  ends: 'commit',
});
export const update = (who: Who, fields: Fields): Deed => write('update', who, fields);
export const editThere = (who: Who, fields: Fields, connection: Where = 'stripe'): Deed => ({
  kind: 'edit there',
  connection,
  who,
  fields,
});
export const eraseThere = (who: Who, connection: Where = 'stripe'): Deed => ({
  kind: 'erase there',
  connection,
  who,
});
export const plantThere = (who: Who, fields: Fields, connection: Where = 'stripe'): Deed => ({
  kind: 'plant there',
  connection,
  who,
  fields,
});
export const meets = (operation: Operation, fault: Fault, connection: Where = 'stripe'): Act =>
  at(0, { kind: 'fault', connection, operation, fault });
export const aDayPasses: Deed = { kind: 'leap', ms: 25 * 3_600_000 };
export const away = (
  for_ms: number,
  how: 'silent' | 'hangs' | 'unauthorized' | 'other account' | '429' = 'silent',
  connection: Where = 'stripe',
): Deed => ({
  kind: 'outage',
  connection,
  how,
  for_ms,
});

function connectionOf(named: Where, traits: Partial<PlannedConnection> = {}): PlannedConnection {
  const plain = { form: 'as written', refuses: false, tellsCause: true, tellsPrevious: true } as const;
  return { name: named, ...plain, hasEventList: true, listLag_ms: 0, ...traits };
}

/** Seeds of stories are their places in the list, apart from those of drawn plans. */
export const STORY_SEEDS_FROM = 1_000_000_000;

export function planOfStory(story: Story, place: number): Plan {
  const connections = [connectionOf('stripe', story.stripe)];
  if (story.crm !== undefined) connections.push(connectionOf('crm', story.crm));
  return {
    seed: STORY_SEEDS_FROM + place,
    name: story.name,
    weather: 'calm',
    connections,
    onConflict: 'local',
    onDelete: 'propagate',
    deleteGuard: null,
    workers: ['A'],
    population: story.population ?? [citizen(ANN, 'paired', both('a'))],
    acts: story.acts,
    rates: CALM,
    held: false,
    schedule: STORY_SEEDS_FROM + place,
    ...story.with,
  };
}
