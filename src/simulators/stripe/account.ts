/**
 * Everything one Stripe account holds, and the only place that changes it: an endpoint calls a method here,
 * the state moves, an event is made, the journal is told, deliveries begin. All of it synchronously.
 */

import type { CustomerChange } from './customer-fields';
import { type Customer, Customers, type DeletedCustomer } from './customers';
import { Deliveries, type DeliverySchedule } from './deliveries';
import { Endpoints, ENVIRONMENT_ENDPOINT_ID, type Endpoint } from './endpoints';
import { API_VERSION, Events, type Happening, type StripeEvent } from './events';
import { IdempotencyKeys, type StoredAnswer } from './idempotency';
import type { Ids } from './ids';
import type { Journal, JournalLine } from './journal';
import type { Post } from './webhook-post';

/** How an event is to be mistreated; filled from faults. */
export type EventTreatment = {
  drop: boolean;
  dropDelivery: boolean;
  copies: number;
  delayMs: number;
  strip: boolean;
};
export const HONEST: EventTreatment = {
  drop: false,
  dropDelivery: false,
  copies: 1,
  delayMs: 0,
  strip: false,
};

/** Where a change came from; goes into the event's `request`. */
export type Origin = {
  requestId: string;
  idempotencyKey: string | null;
  /** Asked only when there is an event to treat, because asking uses faults up. */
  treatment: () => EventTreatment;
};

export type AccountDeps = {
  id: string;
  ids: Ids;
  clock: () => number;
  journal: Journal;
  post: Post;
  schedule: DeliverySchedule;
  maxEvents: number;
  keyMaxAgeMs: number;
  webhook?: { url: string; secret: string } | undefined;
};

/** Rewrite the journal when this many lines were appended, and more than twice the state's own. */
const REWRITE_MIN_LINES = 200_000;

export class Account {
  readonly customers: Customers;
  readonly events: Events;
  readonly endpoints: Endpoints;
  readonly keys: IdempotencyKeys;
  readonly deliveries: Deliveries;
  /** Grows with every change of a customer or an event. */
  revision = 0;
  private readonly late = new Map<NodeJS.Timeout, () => void>();

  constructor(private readonly deps: AccountDeps) {
    const { ids, clock, journal, post, schedule } = deps;
    this.customers = new Customers(ids);
    this.events = new Events(ids, deps.maxEvents);
    this.endpoints = new Endpoints(ids);
    this.keys = new IdempotencyKeys(deps.keyMaxAgeMs);
    this.deliveries = new Deliveries({ endpoints: this.endpoints, ids, journal, clock, schedule, post });
    this.addEnvironmentEndpoint();
  }

  get id(): string {
    return this.deps.id;
  }

  nowSeconds(): number {
    return Math.floor(this.deps.clock() / 1000);
  }

  createCustomer(change: CustomerChange, origin: Origin): Customer {
    const customer = this.customers.create(change, this.nowSeconds());
    this.deps.journal.append({ kind: 'customer', customer });
    this.publish({ type: 'customer.created', customer, ...origin }, origin.treatment());
    return customer;
  }

  updateCustomer(id: string, change: CustomerChange, origin: Origin): Customer {
    const { customer, previous } = this.customers.update(id, change);
    if (previous === undefined) return customer;
    this.deps.journal.append({ kind: 'customer', customer });
    this.publish({ type: 'customer.updated', customer, previous, ...origin }, origin.treatment());
    return customer;
  }

  deleteCustomer(id: string, origin: Origin): DeletedCustomer {
    const customer = this.customers.remove(id);
    this.deps.journal.append({ kind: 'customer_removed', id });
    this.publish({ type: 'customer.deleted', customer, ...origin }, origin.treatment());
    return { id, object: 'customer', deleted: true };
  }

  createEndpoint(change: Parameters<Endpoints['create']>[0]): Endpoint {
    return this.noteEndpoint(this.endpoints.create(change, this.nowSeconds()));
  }

  updateEndpoint(id: string, change: Parameters<Endpoints['update']>[1]): Endpoint {
    return this.noteEndpoint(this.endpoints.update(id, change));
  }

  deleteEndpoint(id: string): ReturnType<Endpoints['remove']> {
    const answer = this.endpoints.remove(id);
    this.deps.journal.append({ kind: 'endpoint_removed', id });
    return answer;
  }

  settleKey(key: string, answer: StoredAnswer): void {
    const stored = this.keys.settle(key, answer);
    if (stored) this.deps.journal.append({ kind: 'key', stored });
  }

  forgetKeys(): void {
    this.keys.clear();
    this.deps.journal.append({ kind: 'keys_forgotten' });
  }

  /** The event as Stripe shows it now: the number of endpoints still to be told changes. */
  eventObject(event: StripeEvent): StripeEvent & { pending_webhooks: number } {
    return { ...event, pending_webhooks: this.deliveries.pendingFor(event.id) };
  }

  /** Resolves when all changes so far would survive a kill. */
  async settled(): Promise<void> {
    await this.deps.journal.settled();
    if (this.deps.journal.appendedLines() > Math.max(REWRITE_MIN_LINES, 2 * this.lineCount())) {
      await this.deps.journal.rewrite(this.lines());
    }
  }

  /** Empties everything; the endpoint given by the environment stays. */
  async reset(): Promise<void> {
    for (const timer of this.late.keys()) clearTimeout(timer);
    this.late.clear();
    this.revision += 1;
    this.deliveries.clear();
    this.customers.clear();
    this.events.clear();
    this.keys.clear();
    this.endpoints.clear();
    this.addEnvironmentEndpoint();
    await this.deps.journal.rewrite(this.lines());
  }

  /** Takes up the state of an earlier run, and what it had not delivered. */
  async restore(lines: JournalLine[]): Promise<void> {
    const pending = new Map<string, Extract<JournalLine, { kind: 'delivery' }>['delivery']>();
    for (const line of lines) {
      if (line.kind === 'delivery') pending.set(line.delivery.id, line.delivery);
      else if (line.kind === 'delivery_ended') pending.delete(line.id);
      else this.restoreLine(line);
    }
    for (const delivery of pending.values()) {
      const event = this.events.get(delivery.event);
      if (event && this.endpoints.get(delivery.endpoint)) this.deliveries.resume(delivery, event);
    }
    await this.deps.journal.rewrite(this.lines());
  }

  /** No more deliveries; events held back by a fault surface now, so that the journal has them. */
  async close(): Promise<void> {
    this.deliveries.stop();
    for (const [timer, surface] of this.late) {
      clearTimeout(timer);
      surface();
    }
    this.late.clear();
    await this.deps.journal.settled();
  }

  private publish(happening: Happening, treatment: EventTreatment): void {
    this.revision += 1;
    if (treatment.drop) return;
    const made = this.events.make(happening, this.nowSeconds());
    const event = treatment.strip ? stripped(made) : made;
    const place = this.events.takePlace();
    const surface = (): void => {
      this.revision += 1;
      this.events.add(event, this.nowSeconds(), place);
      this.deps.journal.append({ kind: 'event', event });
      if (!treatment.dropDelivery) this.deliveries.enqueue(event, treatment.copies);
    };
    if (treatment.delayMs === 0) {
      surface();
      return;
    }
    const timer = setTimeout(() => {
      this.late.delete(timer);
      surface();
    }, treatment.delayMs);
    timer.unref();
    this.late.set(timer, surface);
  }

  private noteEndpoint(endpoint: Endpoint): Endpoint {
    this.deps.journal.append({ kind: 'endpoint', endpoint });
    return endpoint;
  }

  private addEnvironmentEndpoint(): void {
    const { webhook } = this.deps;
    if (!webhook) return;
    this.endpoints.restore({
      id: ENVIRONMENT_ENDPOINT_ID,
      url: webhook.url,
      secret: webhook.secret,
      enabled_events: ['*'],
      description: 'Given by SIMULATOR_WEBHOOK_URL',
      metadata: {},
      status: 'enabled',
      created: this.nowSeconds(),
      api_version: API_VERSION,
    });
  }

  private restoreLine(line: Exclude<JournalLine, { kind: 'delivery' | 'delivery_ended' }>): void {
    switch (line.kind) {
      case 'customer':
        return this.customers.restore(line.customer);
      case 'customer_removed':
        return this.customers.restoreRemoved(line.id);
      case 'event':
        return this.events.add(line.event, this.nowSeconds());
      case 'key':
        return this.keys.restore(line.stored);
      case 'keys_forgotten':
        return this.keys.clear();
      case 'endpoint':
        return this.endpoints.restore(line.endpoint);
      case 'endpoint_removed':
        return this.endpoints.restoreRemoved(line.id);
    }
  }

  private lineCount(): number {
    return this.customers.size + this.keys.size;
  }

  private *lines(): Generator<JournalLine> {
    for (const id of this.customers.removedIds()) yield { kind: 'customer_removed', id };
    for (const customer of this.customers.oldestFirst()) yield { kind: 'customer', customer };
    for (const event of this.events.oldestFirst()) yield { kind: 'event', event };
    for (const stored of this.keys.settled()) yield { kind: 'key', stored };
    for (const endpoint of this.endpoints.oldestFirst()) {
      if (endpoint.id !== ENVIRONMENT_ENDPOINT_ID) yield { kind: 'endpoint', endpoint };
    }
    for (const delivery of this.deliveries.pending()) yield { kind: 'delivery', delivery };
  }
}

function stripped(event: StripeEvent): StripeEvent {
  const { request: _request, ...rest } = event;
  return { ...rest, data: { object: event.data.object } };
}
