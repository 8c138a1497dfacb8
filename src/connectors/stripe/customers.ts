import { call } from './client';
import { findCreated } from './findCreated';
import { findAlike, listCustomers } from './list';
import { CUSTOMER_FIELDS, customerShape } from './shapes';
import { markName } from '../connector';
import type { RemoteCatalog, RemoteObject } from '../connector';
import type { StripeClient } from './client';
import type { Answer } from '../../core/failure';
import type { Fields } from '../../core/fields';
import type { InstallationId, RemoteId } from '../../core/ids';

/** Stripe's customers (docs.stripe.com/api/customers) as a catalog of the port. */
export function createCustomers(client: StripeClient, installation: InstallationId): RemoteCatalog {
  const shape = (body: unknown) => customerShape(body, installation);
  /** A live customer, the one that was asked for where there is one. */
  const live = (body: unknown, asked: RemoteId | null): { value: RemoteObject } | null => {
    const customer = shape(body);
    if (customer === null || customer.deleted) return null;
    return asked === null || customer.object.remoteId === asked ? { value: customer.object } : null;
  };

  return {
    read: (remoteId) =>
      call(
        client,
        'customers.retrieve',
        (sdk) => sdk.customers.retrieve(remoteId),
        (body) => {
          const customer = shape(body);
          if (customer === null || customer.object.remoteId !== remoteId) return null;
          return {
            value: customer.deleted ? { kind: 'deleted' } : { kind: 'present', object: customer.object },
          };
        },
      ),

    list: (page) => listCustomers(client, installation, page),

    create: async (values, recordId, key) => {
      // A field without a value is left out: a new customer has none. The mark is how a lost answer is found again.
      const given = Object.entries(params(values)).filter(([, value]) => value !== '');
      const body = { ...Object.fromEntries(given), metadata: { [markName(installation)]: recordId } };
      return call(
        client,
        'customers.create',
        (sdk) => sdk.customers.create(body, { idempotencyKey: key }),
        (answer) => live(answer, null),
      );
    },

    update: (remoteId, values, key) =>
      call(
        client,
        'customers.update',
        (sdk) => sdk.customers.update(remoteId, params(values), { idempotencyKey: key }),
        (answer) => live(answer, remoteId),
      ),

    remove: async (remoteId): Promise<Answer<null>> =>
      // No key: Stripe ignores it on DELETE, which is idempotent by nature (docs.stripe.com/api/idempotent_requests).
      call(
        client,
        'customers.del',
        (sdk) => sdk.customers.del(remoteId),
        (body) => {
          const customer = shape(body);
          return customer?.deleted === true && customer.object.remoteId === remoteId ? { value: null } : null;
        },
      ),

    findCreated: (search) => findCreated(client, installation, search),

    findAlike: (email) => findAlike(client, installation, email),
  };
}

/**
 * Values as Stripe takes them: the empty text unsets a field (docs.stripe.com/api, "form-encoded", as every SDK's
 * `Emptyable` says).
 * @throws when a field is not one of the catalog's, or not text: the caller mixed two catalogs up.
 */
function params(values: Fields): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([field, value]) => {
      if (!CUSTOMER_FIELDS.includes(field))
        throw new Error(`A Stripe customer has no synced field "${field}"`);
      if (value !== null && typeof value !== 'string')
        throw new Error(`The field "${field}" takes text or null`);
      return [field, value ?? ''];
    }),
  );
}
