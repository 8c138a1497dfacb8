/** What the product's own code does: through the API, which takes turns by e-mail, or by plain SQL, which does not. */
import type { Fields } from '../../../src/core/fields';
import type { RecordId } from '../../../src/core/ids';
import { findLive, lockEmail, lockLive, remove, restore, update } from '../../../src/store/customers';
import type { Customer } from '../../../src/store/customers';
import type { Sql } from '../../../src/store/database';
import type { Chance, ProductWrites } from '../engine/ports';
import { repeated, sqlOf } from './way';
import type { Begun, Way } from './way';

type SqlFor = (label: string) => Sql;
type Writes = Omit<ProductWrites, 'together'>;

const text = (fields: Fields, name: string): string | null => (fields[name] ?? null) as string | null;

function bySql(sqlFor: SqlFor): Writes {
  return {
    async insert(id, fields) {
      // an INSERT that names the id is how a restore is written, and all that it uses of a customer
      const row = { id, name: text(fields, 'name'), email: text(fields, 'email') } as Customer;
      await restore(sqlFor('product.insert'), row);
    },
    async update(id, fields) {
      const held = await lockLive(sqlFor('product.lockLive'), id);
      if (held === null) return false;
      await update(sqlFor('product.update'), id, fields);
      return true;
    },
    async remove(id) {
      const held = await lockLive(sqlFor('product.lockLive'), id);
      if (held === null) return false;
      await remove(sqlFor('product.remove'), id);
      return true;
    },
    async read(id) {
      const found = await findLive(sqlFor('product.read'), id);
      return found === null ? null : { name: found.name, email: found.email };
    },
  };
}

/** As src/api/customers does it: first the e-mail's lock. */
function byApi(sqlFor: SqlFor): Writes {
  const plain = bySql(sqlFor);
  const takeTurns = async (fields: Fields): Promise<void> => {
    const email = text(fields, 'email');
    if (email !== null) await lockEmail(sqlFor('product.lockEmail'), email);
  };
  return {
    ...plain,
    async insert(id, fields) {
      await takeTurns(fields);
      await plain.insert(id, fields);
    },
    async update(id, fields) {
      await takeTurns(fields);
      return plain.update(id, fields);
    },
  };
}

async function within<T>(
  begun: Begun,
  work: (sqlFor: SqlFor) => Promise<{ readonly ends: 'commit' | 'rollback'; readonly answer: T }>,
): Promise<T> {
  let ends: 'commit' | 'rollback' = 'rollback';
  try {
    const done = await work((label) => sqlOf(begun.run, label));
    ({ ends } = done);
    return done.answer;
  } finally {
    await begun.end(ends);
  }
}

export function productWrites(way: Way, chance: Chance): ProductWrites {
  const through = <T>(api: boolean, write: (writes: Writes) => Promise<T>): Promise<T> =>
    within(way.begin({ patient: !api }), async (sqlFor) => ({
      ends: 'commit',
      answer: await write(api ? byApi(sqlFor) : bySql(sqlFor)),
    }));
  /** Half of the writes come through the API, which repeats what Postgres says may be repeated. */
  const one = <T>(write: (writes: Writes) => Promise<T>): Promise<T> =>
    chance.happens(0.5) ? repeated(() => through(true, write)) : through(false, write);
  return {
    insert: (id: RecordId, fields) => one((writes) => writes.insert(id, fields)),
    update: (id, fields) => one((writes) => writes.update(id, fields)),
    remove: (id) => one((writes) => writes.remove(id)),
    read: bySql((label) => sqlOf(way.run, label)).read,
    together: (work) =>
      within(way.begin({ patient: true }), async (sqlFor) => {
        const together = (): Promise<never> =>
          Promise.reject(new Error('A transaction within a transaction'));
        return { ends: await work({ ...bySql(sqlFor), together }), answer: undefined };
      }),
  };
}
