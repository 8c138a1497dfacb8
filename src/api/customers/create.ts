import type { RequestHandler } from 'express';
import { findByEmail, insert, lockEmail, lockLive, sameEmail, update } from '../../store/customers';
import type { Customer } from '../../store/customers';
import type { Sql } from '../../store/database';
import { answering } from '../answer';
import type { Answer } from '../answer';
import { readJson } from '../body';
import type { ApiDeps } from '../deps';
import { parseBody, parseQuery } from '../input';
import { once } from '../once';
import { duplicate, onDuplicateQuery, refuseTaken } from './duplicates';
import { answerWith } from './present';
import { newCustomerInput } from './shapes';
import type { CustomerFields } from './shapes';

type OnDuplicate = 'reject' | 'update' | 'create';

/** The one live customer with this e-mail, held; null when there is none. The caller holds the e-mail's lock. */
async function holdOnly(sql: Sql, email: string): Promise<Customer | null> {
  const matches = await findByEmail(sql, email, null);
  const [only] = matches.ids;
  if (only === undefined) return null;
  if (matches.total > 1) throw duplicate('ambiguous', matches, 'Change the one you mean with PATCH.');
  const held = await lockLive(sql, only);
  // Between the search and the lock it may have been deleted or given another address: then it is none of ours.
  return held !== null && (await sameEmail(sql, held.email, email)) ? held : null;
}

async function create(sql: Sql, fields: Partial<CustomerFields>, onDuplicate: OnDuplicate): Promise<Answer> {
  const email = fields.email ?? null;
  if (email !== null) {
    await lockEmail(sql, email);
    if (onDuplicate === 'reject') await refuseTaken(sql, email, null);
    const found = onDuplicate === 'update' ? await holdOnly(sql, email) : null;
    if (found !== null) return answerWith(sql, await update(sql, found.id, fields), 200);
  }
  const customer = await insert(sql, { name: fields.name ?? null, email });
  return answerWith(sql, customer, 201, { Location: `/customers/${customer.id}` });
}

/** `POST /customers` */
export function createCustomer(deps: ApiDeps): RequestHandler {
  return answering(async (request, response) => {
    const query = parseQuery(onDuplicateQuery, request.url);
    const fields = parseBody(newCustomerInput, await readJson(request, response));
    return once(deps, request, [query.on_duplicate, fields], (sql) =>
      create(sql, fields, query.on_duplicate),
    );
  });
}
