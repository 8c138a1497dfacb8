/** Histories of three systems that nobody thought of: edits, deletions and restores anywhere, and systems that go away. */
import fc from 'fast-check';
import { failureOf } from '../src/connectors/memory';
import { parseConnectionName, trusted } from '../src/core/ids';
import type { Fields } from '../src/core/fields';
import type { RecordId } from '../src/core/ids';
import { forgetSwings } from '../src/store/swings';
import { CRM, CUSTOMER, desks, freshMail, newSystem } from './desk-for-tests';
import type { Desk, DeskOptions } from './desk-for-tests';

const openDesk = desks();
const ERP = trusted(parseConnectionName('erp'), 'connection name');
const NAMES = ['stripe', 'crm', 'erp'] as const;
const DOWN = failureOf('unavailable', { code: 'ETIMEDOUT' });
const HISTORIES = 60;
const LONGEST_STEPS = 12;
const TIMEOUT_MS = 120_000;

type Where = (typeof NAMES)[number];

interface Edit {
  readonly kind: 'edit';
  /** `here` is our own row. */
  readonly at: Where | 'here';
  readonly field: 'name' | 'email';
  readonly value: number;
}

type Happening =
  | Edit
  | { readonly kind: 'delete' | 'down' | 'up' | 'hear'; readonly at: Where }
  | { readonly kind: 'delete here' | 'restore' | 'look' | 'a day passes' }
  | { readonly kind: 'answer lost'; readonly at: Where; readonly operation: 'create' | 'update' | 'remove' };

const where = fc.constantFrom<Where>(...NAMES);
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constant('edit' as const),
  at: fc.constantFrom<Where | 'here'>(...NAMES, 'here'),
  field: fc.constantFrom('name' as const, 'email' as const),
  value: fc.integer({ min: 1, max: 4 }),
});
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: edit },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('down' as const, 'up' as const, 'hear' as const),
      at: where,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: where }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Happening>({ kind: 'look' }, { kind: 'look' }, { kind: 'a day passes' }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Happening>({ kind: 'delete here' }, { kind: 'restore' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('answer lost' as const),
      at: where,
      operation: fc.constantFrom('create' as const, 'update' as const, 'remove' as const),
    }),
  },
);

async function openThree(options: DeskOptions = {}): Promise<Desk> {
  return openDesk({ ...options, others: [newSystem(CRM), newSystem(ERP)] });
}

/** Values are this record's own: e-mails are recognised across records. */
function valueOf({ field, value }: Edit, own: string): Fields {
  return field === 'name' ? { name: `Ann ${value}` } : { email: `${value}.${own}` };
}

async function happen(desk: Desk, id: RecordId, own: string, step: Happening): Promise<void> {
  const system = 'at' in step ? desk.systems.find(({ name }) => name === step.at) : undefined;
  const there = system?.living().at(-1)?.[0];
  switch (step.kind) {
    case 'edit':
      if (step.at === 'here') await desk.update(id, valueOf(step, own));
      else if (system !== undefined && there !== undefined) system.edit(there, valueOf(step, own));
      return;
    case 'delete':
      if (system !== undefined && there !== undefined) system.erase(there);
      return;
    case 'down':
    case 'up':
      if (system !== undefined) system.outage = step.kind === 'down' ? DOWN : null;
      return;
    case 'hear':
      if (system?.outage === null) await desk.hear(system);
      return;
    case 'answer lost':
      return system?.fail(step.operation, { failure: DOWN, when: 'after' });
    case 'delete here':
      return desk.remove(id);
    case 'restore':
      if ((await desk.row(id)) === null) await desk.insert({ name: 'Ann', email: own }, id);
      return;
    case 'look':
      return void (await desk.settle(id));
    case 'a day passes':
      return desk.hoursPass(id, 25);
  }
}

/** Everybody is back, everything is heard, and looks go on until nothing is left to do. */
async function clear(desk: Desk, id: RecordId): Promise<void> {
  for (const system of desk.systems) system.outage = null;
  for (let round = 0; round < 20; round += 1) {
    for (const system of desk.systems) await desk.hear(system);
    await desk.rest();
    if ((await desk.settle(id)).kind === 'nothing') return;
  }
  throw new Error('The record does not come to rest');
}

function standing(desk: Desk): Fields[][] {
  return desk.systems.map((system) =>
    system
      .living()
      .map(([, { fields }]) => ({ name: fields['name'] ?? null, email: fields['email'] ?? null })),
  );
}

test(
  'I1, I2, I7 and failure 64: when it is over all four are equal or all are gone, nobody stands twice, and all is quiet',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { maxLength: LONGEST_STEPS }),
        fc.constantFrom<'local' | 'remote'>('local', 'remote'),
        async (history, onConflict) => {
          const desk = await openThree({ onConflict });
          const own = freshMail();
          const { id } = await desk.synced({ name: 'Ann', email: own });
          for (const step of history) {
            await happen(desk, id, own, step);
            // nothing here is a ping-pong: people take their time
            await forgetSwings(desk.database, CUSTOMER, id);
          }
          await clear(desk, id);
          const here = await desk.row(id);
          expect(standing(desk)).toEqual(NAMES.map(() => (here === null ? [] : [here])));
          const written = desk.systems.map((system) => system.writes().length);
          await desk.hint(id);
          await clear(desk, id);
          expect(desk.systems.map((system) => system.writes().length)).toEqual(written);
        },
      ),
      { numRuns: HISTORIES },
    );
  },
  TIMEOUT_MS,
);

test(
  'I8: the same edits, held back until all are made, end the same in whatever order they are heard and tended',
  async () => {
    const orders = fc.tuple(
      fc.shuffledSubarray([...NAMES], { minLength: 3 }),
      fc.shuffledSubarray([...NAMES], { minLength: 3 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(edit, { maxLength: 6 }),
        fc.tuple(orders, orders),
        fc.constantFrom<'local' | 'remote'>('local', 'remote'),
        async (edits, twoWays, onConflict) => {
          const ends: unknown[] = [];
          const own = freshMail();
          for (const [tended, heard] of twoWays) {
            const desk = await openThree({ onConflict, order: tended });
            const { id } = await desk.synced({ name: 'Ann', email: own });
            await clear(desk, id);
            for (const one of edits) await happen(desk, id, own, one);
            for (const name of heard) await desk.hear(desk.systems.find((system) => system.name === name)!);
            await clear(desk, id);
            ends.push(standing(desk));
            await desk.database.query('delete from counterpart.customers where id = $1', [id]);
          }
          expect(ends[0]).toEqual(ends[1]);
        },
      ),
      { numRuns: HISTORIES },
    );
  },
  TIMEOUT_MS,
);
