/**
 * The events of one account, kept 30 days as Stripe keeps them (https://docs.stripe.com/api/events), and at
 * most `maxEvents` of them.
 */

import type { Customer } from './customers';
import { noSuch } from './errors';
import type { Ids } from './ids';
import { type Page, type PageRequest, Shelf } from './shelf';

/** The account's default version: what the pinned stripe-node release speaks. */
export const API_VERSION = '2026-10-28.endive';

export type EventType = 'customer.created' | 'customer.updated' | 'customer.deleted';

export type StripeEvent = {
  id: string;
  object: 'event';
  api_version: string;
  created: number;
  data: { object: Customer; previous_attributes?: Record<string, unknown> };
  livemode: false;
  request?: { id: string | null; idempotency_key: string | null };
  type: EventType;
};

export type Happening = {
  type: EventType;
  customer: Customer;
  previous?: Record<string, unknown> | undefined;
  requestId: string;
  idempotencyKey: string | null;
};

const RETENTION_S = 30 * 24 * 3600;
export const MAX_EVENTS = 100_000;

export class Events {
  private readonly shelf = new Shelf<StripeEvent>('event', '/v1/events');

  constructor(
    private readonly ids: Ids,
    private readonly maxEvents: number,
  ) {}

  /** An event that no list shows yet. */
  make(happening: Happening, createdSeconds: number): StripeEvent {
    let id = this.ids.event();
    while (this.shelf.get(id) !== undefined) id = this.ids.event();
    return {
      id,
      object: 'event',
      api_version: API_VERSION,
      created: createdSeconds,
      data: {
        object: happening.customer,
        ...(happening.previous === undefined ? {} : { previous_attributes: happening.previous }),
      },
      livemode: false,
      request: { id: happening.requestId, idempotency_key: happening.idempotencyKey },
      type: happening.type,
    };
  }

  takePlace(): number {
    return this.shelf.takePlace();
  }

  add(event: StripeEvent, nowSeconds: number, place?: number): void {
    this.shelf.add(event, place);
    this.prune(nowSeconds);
  }

  get(id: string): StripeEvent | undefined {
    return this.shelf.get(id);
  }

  newest(): StripeEvent | undefined {
    return this.shelf.newest();
  }

  /** @throws StripeError 404 resource_missing, also when the event is older than 30 days */
  retrieve(id: string, nowSeconds: number): StripeEvent {
    this.prune(nowSeconds);
    const event = this.shelf.get(id);
    if (!event) throw noSuch('event', id, 'id', 404);
    return event;
  }

  list(
    request: PageRequest,
    matches: (event: StripeEvent) => boolean,
    nowSeconds: number,
  ): Page<StripeEvent> {
    this.prune(nowSeconds);
    return this.shelf.page(request, matches);
  }

  oldestFirst(): Iterable<StripeEvent> {
    return this.shelf.oldestFirst();
  }

  clear(): void {
    this.shelf.clear();
  }

  private prune(nowSeconds: number): void {
    let oldest = this.shelf.oldest();
    while (oldest && (this.shelf.size > this.maxEvents || oldest.created < nowSeconds - RETENTION_S)) {
      this.shelf.dropOldest();
      oldest = this.shelf.oldest();
    }
  }
}
