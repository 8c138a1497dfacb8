import type { Request, RequestHandler } from 'express';
import { CUSTOMER } from '../../catalogs/customer/customer';
import type { RecordId } from '../../core/ids';
import {
  findDeleted,
  findLive,
  giveUpMissing,
  lockDeleted,
  lockEmail,
  lockLive,
  remove,
  restore,
} from '../../store/customers';
import type { Sql } from '../../store/database';
import { keepRecord } from '../../store/deleteGuard';
import { enqueue } from '../../store/workQueue';
import { answering } from '../answer';
import type { Answer } from '../answer';
import type { ApiDeps } from '../deps';
import { requireMatch } from '../ifMatch';
import { parseQuery } from '../input';
import { once } from '../once';
import { idOf, notFound } from './address';
import { onDuplicateChangeQuery, refuseTaken } from './duplicates';
import { answerWith } from './present';

const NO_CONTENT: Answer = { status: 204, headers: {}, body: null };

async function removeOnce(sql: Sql, request: Request, id: RecordId): Promise<Answer> {
  const customer = await lockLive(sql, id);
  if (customer !== null) {
    requireMatch(request, customer.version);
    await remove(sql, id);
    return NO_CONTENT;
  }
  // Deleted already is what was asked for, whatever version was meant (RFC 9110, 13.1.1).
  if ((await findDeleted(sql, id)) === null && !(await giveUpMissing(sql, id))) throw notFound();
  return NO_CONTENT;
}

/** `DELETE /customers/{id}`. Also for an id whose object was never pulled and is not found there: it is given up. */
export function removeCustomer({ database }: ApiDeps): RequestHandler {
  return answering(async (request) => {
    const id = idOf(request);
    return database.transact((sql) => removeOnce(sql, request, id));
  });
}

async function restoreOnce(sql: Sql, id: RecordId, mayDouble: boolean): Promise<Answer> {
  const seen = await findDeleted(sql, id);
  if (seen !== null && seen.email !== null) await lockEmail(sql, seen.email);
  const deleted = await lockDeleted(sql, id);
  if (deleted === null) {
    // Restored already, maybe by this very request's first try; or deleted there, and held here by the guard.
    const customer = await findLive(sql, id);
    if (customer === null) throw notFound();
    if (await keepRecord(sql, CUSTOMER.name, id)) await enqueue(sql, CUSTOMER.name, [id], 'operator');
    return answerWith(sql, customer, 200);
  }
  if (deleted.email !== null && !mayDouble) await refuseTaken(sql, deleted.email, id);
  return answerWith(sql, await restore(sql, deleted), 200);
}

/** `POST /customers/{id}/restore` */
export function restoreCustomer(deps: ApiDeps): RequestHandler {
  return answering(async (request) => {
    const id = idOf(request);
    const { on_duplicate: onDuplicate } = parseQuery(onDuplicateChangeQuery, request.url);
    return once(deps, request, onDuplicate, (sql) => restoreOnce(sql, id, onDuplicate === 'create'));
  });
}
