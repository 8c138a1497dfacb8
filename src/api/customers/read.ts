import type { RequestHandler } from 'express';
import { findLive } from '../../store/customers';
import { answering } from '../answer';
import type { ApiDeps } from '../deps';
import { idOf, missing } from './address';
import { answerWith } from './present';

/** `GET /customers/{id}` */
export function readCustomer({ database }: ApiDeps): RequestHandler {
  return answering(async (request) => {
    const id = idOf(request);
    const customer = await findLive(database, id);
    if (customer === null) throw await missing(database, id);
    return answerWith(database, customer, 200);
  });
}
