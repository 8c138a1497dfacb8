import type { RequestHandler } from 'express';
import { CUSTOMER } from '../../catalogs/customer/customer';
import { findDeleted, findLive, isReserved } from '../../store/customers';
import { forgetRefusals, forgetSwings } from '../../store/swings';
import { enqueue } from '../../store/workQueue';
import { answering, json } from '../answer';
import type { ApiDeps } from '../deps';
import { idOf, notFound } from './address';
import { syncOf } from './present';

/**
 * `POST /customers/{id}/sync`: look again now. Also for deleted customers, whose deletion may be stuck, and for ids
 * reserved for an object born elsewhere, which may be parked before they are ever pulled.
 */
export function syncCustomer({ database }: ApiDeps): RequestHandler {
  return answering(async (request) => {
    const id = idOf(request);
    return database.transact(async (sql) => {
      const live = (await findLive(sql, id)) !== null;
      if (!live && (await findDeleted(sql, id)) === null && !(await isReserved(sql, id))) throw notFound();
      // a person asks: a field that was stopped for being rewritten is tried again, and so is what was refused
      await forgetSwings(sql, CUSTOMER.name, id);
      await forgetRefusals(sql, CUSTOMER.name, id);
      await enqueue(sql, CUSTOMER.name, [id], 'operator');
      return json(202, { id, sync: await syncOf(sql, id, live) });
    });
  });
}
