/** Histories nobody thought of: edits, deletions and restores on both sides, in any order, in any weather. */
import fc from 'fast-check';
import { CATALOGS } from '../src/catalogs/catalogs';
import type { Fields } from '../src/core/fields';
import type { RecordId, RemoteId } from '../src/core/ids';
import { failureOf } from '../src/connectors/memory';
import { forgetSwings } from '../src/store/swings';
import { CUSTOMER, desks, freshMail } from './desk-for-tests';
import type { Desk } from './desk-for-tests';

const openDesk = desks();
const HISTORIES = 80;
const LONGEST_STEPS = 14;
const HISTORY_TIMEOUT_MS = 120_000;

type Happening =
  | { readonly kind: 'edit here' | 'edit there' | 'edit during a call'; readonly field: 'name' | 'email' }
  | { readonly kind: 'delete here' | 'restore' | 'delete there' | 'look' | 'a day passes' }
  | {
      readonly kind: 'mishap';
      readonly operation: 'read' | 'create' | 'update' | 'remove' | 'findCreated';
      readonly when: 'before' | 'after';
      readonly stored: boolean;
    };

const field = fc.constantFrom<'name' | 'email'>('name', 'email');
const editHere = fc.record({ kind: fc.constant('edit here' as const), field });
const look = fc.constant<Happening>({ kind: 'look' });
const weather: fc.Arbitrary<Happening> = fc.oneof(
  fc.constant<Happening>({ kind: 'a day passes' }),
  fc.record({
    kind: fc.constant('mishap' as const),
    operation: fc.constantFrom<'read' | 'create' | 'update' | 'remove' | 'findCreated'>(
      'read',
      'create',
      'update',
      'remove',
      'findCreated',
    ),
    when: fc.constantFrom<'before' | 'after'>('before', 'after'),
    stored: fc.boolean(),
  }),
);
const people: fc.Arbitrary<Happening> = fc.oneof(
  editHere,
  fc.record({ kind: fc.constantFrom('edit there' as const, 'edit during a call' as const), field }),
  fc.constantFrom<Happening>({ kind: 'delete here' }, { kind: 'restore' }, { kind: 'delete there' }),
);

let values = 0;
function freshValue(name: 'name' | 'email'): Fields {
  values += 1;
  return name === 'name' ? { name: `Ann ${values}` } : { email: freshMail() };
}

function newestLiving(desk: Desk): RemoteId | null {
  return desk.system.living().at(-1)?.[0] ?? null;
}

async function happen(desk: Desk, id: RecordId, happening: Happening): Promise<void> {
  const there = newestLiving(desk);
  switch (happening.kind) {
    case 'edit here':
      return desk.update(id, freshValue(happening.field));
    case 'edit there':
      if (there !== null) desk.system.edit(there, freshValue(happening.field));
      return desk.hint(id);
    case 'edit during a call':
      return desk.system.during('update', () => desk.update(id, freshValue(happening.field)));
    case 'delete here':
      return desk.remove(id);
    case 'restore':
      if ((await desk.row(id)) === null)
        await desk.insert({ ...freshValue('name'), ...freshValue('email') }, id);
      return undefined;
    case 'delete there':
      if (there !== null) desk.system.erase(there);
      return desk.hint(id);
    case 'look':
      return void (await desk.settle(id));
    case 'a day passes':
      return desk.hoursPass(id, 25);
    case 'mishap': {
      const failure = failureOf('unavailable', { code: 'ETIMEDOUT' });
      return desk.system.fail(happening.operation, {
        failure,
        when: happening.when,
        stored: happening.stored,
      });
    }
  }
}

/** Nothing here is a ping-pong: people take their time. */
function hoursLater(desk: Desk, id: RecordId): Promise<void> {
  return forgetSwings(desk.database, CUSTOMER, id);
}

const A_MINUTE_H = 1 / 60;

/** The weather clears and looks go on until nothing is left to do. */
async function clear(desk: Desk, id: RecordId): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const looked = await desk.settle(id);
    if (looked.kind === 'nothing') return;
    // what a trace did not find is looked for again some time later
    if (looked.trouble.length > 0) await desk.hoursPass(id, A_MINUTE_H);
  }
  throw new Error('The record does not come to rest');
}

function canonical(fields: Fields | null): Fields | null {
  if (fields === null) return null;
  const rules = CATALOGS.get(CUSTOMER)!.fields;
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [name, rule.canonical(fields[name] ?? null)]),
  );
}

async function live(desk: Desk, history: readonly Happening[]): Promise<RecordId> {
  const id = await desk.insert({ ...freshValue('name'), ...freshValue('email') });
  for (const happening of history) {
    await happen(desk, id, happening);
    await hoursLater(desk, id);
  }
  await clear(desk, id);
  await desk.hint(id);
  await clear(desk, id);
  return id;
}

test(
  'I1, I2, I7: when it is over both sides are equal or both are gone, no second object stands, and all is quiet',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(people, look, weather), { maxLength: LONGEST_STEPS }),
        fc.constantFrom<'local' | 'remote'>('local', 'remote'),
        async (history, onConflict) => {
          const desk = await openDesk({ onConflict });
          const id = await live(desk, history);
          const here = await desk.row(id);
          const there = desk.system.living().map(([, object]) => canonical(object.fields));
          expect(there).toEqual(here === null ? [] : [canonical(here)]);
          expect((await desk.links(id)).at(-1)?.outcome ?? 'deleted').toBe(
            here === null ? 'deleted' : 'in_sync',
          );
          const written = desk.system.writes().length;
          await desk.hint(id);
          await clear(desk, id);
          expect(desk.system.writes()).toHaveLength(written);
        },
      ),
      { numRuns: HISTORIES },
    );
  },
  HISTORY_TIMEOUT_MS,
);

test(
  'I3: edited here only, whatever the weather: the last edit of each field stands on both sides and nothing was lost',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(editHere, look, weather), { maxLength: LONGEST_STEPS }),
        async (history) => {
          const desk = await openDesk();
          const id = await desk.insert({ name: 'Ann', email: freshMail() });
          for (const happening of history) {
            await happen(desk, id, happening);
            await hoursLater(desk, id);
          }
          const wanted = await desk.row(id);
          await clear(desk, id);
          expect(await desk.row(id)).toEqual(wanted);
          expect(desk.system.living().map(([, object]) => object.fields)).toEqual([wanted]);
          expect(await desk.lost(id)).toEqual([]);
        },
      ),
      { numRuns: HISTORIES },
    );
  },
  HISTORY_TIMEOUT_MS,
);
