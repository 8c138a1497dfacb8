/**
 * The customers of one account. A customer is never altered in place: every change makes a new object, so
 * events and stored answers may hold the old one. https://docs.stripe.com/api/customers/object
 */

import { type CustomerChange, type Address, type Shipping, mergeMetadata } from './customer-fields';
import { previousAttributes } from './changes';
import { noSuch } from './errors';
import type { Ids } from './ids';
import { type Page, type PageRequest, Shelf } from './shelf';

export type Customer = {
  id: string;
  object: 'customer';
  address: Address | null;
  balance: number;
  business_name?: string | null;
  created: number;
  currency: string | null;
  customer_account: string | null;
  default_source: string | null;
  delinquent: boolean;
  description: string | null;
  discount: null;
  email: string | null;
  individual_name?: string | null;
  invoice_prefix: string;
  invoice_settings: {
    custom_fields: null;
    default_payment_method: null;
    footer: null;
    rendering_options: null;
  };
  livemode: false;
  metadata: Record<string, string>;
  name: string | null;
  next_invoice_sequence: number;
  phone: string | null;
  preferred_locales: string[];
  shipping: Shipping | null;
  tax_exempt: 'none' | 'exempt' | 'reverse';
  test_clock: null;
};

export type DeletedCustomer = { id: string; object: 'customer'; deleted: true };
export type Updated = { customer: Customer; previous: Record<string, unknown> | undefined };

export class Customers {
  private readonly shelf = new Shelf<Customer>('customer', '/v1/customers');

  constructor(private readonly ids: Ids) {}

  get size(): number {
    return this.shelf.size;
  }

  create(change: CustomerChange, createdSeconds: number): Customer {
    const customer = withChange(this.blank(createdSeconds), change);
    this.shelf.add(customer);
    return customer;
  }

  /** @throws StripeError 404 resource_missing for an unknown or deleted id */
  update(id: string, change: CustomerChange): Updated {
    const before = this.living(id);
    const after = withChange(before, change);
    const previous = previousAttributes(before, after);
    if (previous === undefined) return { customer: before, previous };
    this.shelf.replace(after);
    return { customer: after, previous };
  }

  /** @throws StripeError 404 resource_missing for an unknown id; a deleted one is answered, not refused */
  retrieve(id: string): Customer | DeletedCustomer {
    const customer = this.shelf.get(id);
    if (customer) return customer;
    if (this.shelf.wasRemoved(id)) return { id, object: 'customer', deleted: true };
    throw noSuch('customer', id, 'id', 404);
  }

  /** @returns the customer as it was. @throws StripeError 404, also when it is already deleted */
  remove(id: string): Customer {
    const customer = this.living(id);
    this.shelf.remove(id);
    return customer;
  }

  list(request: PageRequest, matches: (customer: Customer) => boolean): Page<Customer> {
    return this.shelf.page(request, matches);
  }

  restore(customer: Customer): void {
    this.shelf.replace(customer);
  }

  restoreRemoved(id: string): void {
    if (this.shelf.remove(id) === undefined) this.shelf.rememberRemoved(id);
  }

  oldestFirst(): Iterable<Customer> {
    return this.shelf.oldestFirst();
  }

  removedIds(): Iterable<string> {
    return this.shelf.removedIds();
  }

  clear(): void {
    this.shelf.clear();
  }

  private living(id: string): Customer {
    const customer = this.shelf.get(id);
    if (!customer) throw noSuch('customer', id, 'id', 404);
    return customer;
  }

  private blank(createdSeconds: number): Customer {
    let id = this.ids.customer();
    while (this.shelf.get(id) !== undefined || this.shelf.wasRemoved(id)) id = this.ids.customer();
    return {
      id,
      object: 'customer',
      address: null,
      balance: 0,
      created: createdSeconds,
      currency: null,
      customer_account: null,
      default_source: null,
      delinquent: false,
      description: null,
      discount: null,
      email: null,
      invoice_prefix: this.ids.invoicePrefix(),
      invoice_settings: {
        custom_fields: null,
        default_payment_method: null,
        footer: null,
        rendering_options: null,
      },
      livemode: false,
      metadata: {},
      name: null,
      next_invoice_sequence: 1,
      phone: null,
      preferred_locales: [],
      shipping: null,
      tax_exempt: 'none',
      test_clock: null,
    };
  }
}

function withChange(customer: Customer, change: CustomerChange): Customer {
  const { metadata, ...fields } = change;
  return {
    ...customer,
    ...fields,
    ...(metadata === undefined ? {} : { metadata: mergeMetadata(customer.metadata, metadata) }),
  };
}
