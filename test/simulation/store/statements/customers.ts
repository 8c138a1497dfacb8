/** The statements of src/store/customers.ts that a product's writes consist of. */
import type { Fields } from '../../../../src/core/fields';
import { deleteCustomer, insertCustomer, lockCustomer, updateCustomer } from '../capture';
import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import type { CustomerRow } from '../schema';
import { date, known, knownByText } from './known';
import type { Known, Statement } from './known';
import { lockEmail } from './records';

function columns(row: CustomerRow | null): Result {
  if (row === null) return result([]);
  const { id, name, email, version } = row;
  const [created_at, updated_at] = [date(row.created_at), date(row.updated_at)];
  return result([{ id, name, email, version, created_at, updated_at, deleted_at: null }]);
}

function readSets(text: string): Statement {
  const fields = [...text.matchAll(/(name|email) = \$(\d+)/g)].map(([, name, place]) => ({
    name: name!,
    at: Number(place) - 1,
  }));
  return function* updateFields(call, values): Waiting<Result> {
    const changes: Fields = Object.fromEntries(fields.map(({ name, at }) => [name, values[at] as string]));
    return columns(yield* updateCustomer(call, values[0] as string, changes));
  };
}

type Inserted = [id: string, name: string | null, email: string | null];

export const CUSTOMERS: readonly Known[] = [
  knownByText(/^select id, name, email, version[^]* from counterpart\.customers where id = \$1/, (text) =>
    text.endsWith(' for update')
      ? function* held(call, [id]): Waiting<Result> {
          return columns(yield* lockCustomer(call, id as string));
        }
      : (call, [id]) => columns(call.tables.customers.read(call, id as string)),
  ),
  known("hashtextextended('customer:' || counterpart.canonical_email($1), 0)", (call, [email]: [string]) =>
    lockEmail(call, 'customer', email),
  ),
  known(
    /^insert into counterpart\.customers \(id, name, email\)[^]* deleted_at$/,
    function* insert(call: Call, [id, name, email]: Inserted) {
      return columns(yield* insertCustomer(call, { id, name, email }));
    },
  ),
  knownByText(/^update counterpart\.customers set [^]* deleted_at$/, readSets),
  known(/^delete from counterpart\.customers where id = \$1$/, function* gone(call: Call, [id]: [string]) {
    return changed((yield* deleteCustomer(call, id)) ? 1 : 0);
  }),
];
