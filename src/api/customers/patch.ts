import type { Request, RequestHandler } from 'express';
import type { RecordId } from '../../core/ids';
import { findLive, lockEmail, lockLive, sameEmail, update } from '../../store/customers';
import type { Customer } from '../../store/customers';
import type { Sql } from '../../store/database';
import { answering } from '../answer';
import type { Answer } from '../answer';
import { PATCH_TYPES, readJson } from '../body';
import type { ApiDeps } from '../deps';
import { requireMatch } from '../ifMatch';
import { parseBody, parseQuery } from '../input';
import { Problem } from '../problem';
import { idOf, missing } from './address';
import { onDuplicateChangeQuery, refuseTaken } from './duplicates';
import { answerWith } from './present';
import { customerPatchInput } from './shapes';
import type { CustomerFields } from './shapes';

/** Neither field may be cleared when the other is empty. What came empty from a system may stay so. */
function requireSomething(before: Customer, fields: Partial<CustomerFields>): void {
  const after = { ...before, ...fields };
  if (after.name !== null || after.email !== null || (before.name === null && before.email === null)) return;
  throw new Problem('invalid', 'See `errors` for each field and what is wrong with it.', {
    errors: [{ pointer: '', code: 'name_or_email_needed', detail: 'A customer needs a name or an e-mail.' }],
  });
}

async function patch(
  sql: Sql,
  request: Request,
  id: RecordId,
  change: { fields: Partial<CustomerFields>; mayDouble: boolean },
): Promise<Answer> {
  const { fields, mayDouble } = change;
  const seen = await findLive(sql, id);
  if (seen === null) throw await missing(sql, id);
  const email = fields.email ?? null;
  if (email !== null) await lockEmail(sql, email);
  const customer = await lockLive(sql, id);
  if (customer === null) throw await missing(sql, id);
  requireMatch(request, customer.version);
  requireSomething(customer, fields);
  // An e-mail that only changes its spelling is not taken anew, even where two customers were allowed to have it.
  if (email !== null && !mayDouble && !(await sameEmail(sql, email, customer.email))) {
    await refuseTaken(sql, email, id);
  }
  const changes = Object.keys(fields).length > 0;
  return answerWith(sql, changes ? await update(sql, id, fields) : customer, 200);
}

/** `PATCH /customers/{id}` */
export function patchCustomer({ database }: ApiDeps): RequestHandler {
  return answering(async (request, response) => {
    const id = idOf(request);
    const query = parseQuery(onDuplicateChangeQuery, request.url);
    const fields = parseBody(customerPatchInput, await readJson(request, response, PATCH_TYPES));
    const mayDouble = query.on_duplicate === 'create';
    return database.transact((sql) => patch(sql, request, id, { fields, mayDouble }));
  });
}
