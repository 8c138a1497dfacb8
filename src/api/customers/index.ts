/**
 * TALK about customers: one file per request, over src/store. Each reads its input, does its work in one transaction,
 * and answers. May touch: src/store, src/catalogs, src/core, and the rest of src/api.
 */
import type { Router } from 'express';
import type { ApiDeps } from '../deps';
import { resource } from '../resource';
import { createCustomer } from './create';
import { listCustomers } from './list';
import { patchCustomer } from './patch';
import { readCustomer } from './read';
import { removeCustomer, restoreCustomer } from './remove';
import { syncCustomer } from './sync';

export function routeCustomers(router: Router, deps: ApiDeps): void {
  resource(router, '/customers', { get: listCustomers(deps), post: createCustomer(deps) });
  resource(router, '/customers/:id', {
    get: readCustomer(deps),
    patch: patchCustomer(deps),
    delete: removeCustomer(deps),
  });
  resource(router, '/customers/:id/restore', { post: restoreCustomer(deps) });
  resource(router, '/customers/:id/sync', { post: syncCustomer(deps) });
}
