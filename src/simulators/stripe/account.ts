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
import { LateWork } from './late-work';
import type { EventTreatment, Mistreatment } from './mistreatment';
import type { Post } from './webhook-post';

/** Where a change came from; goes into the event's `request`. */
export type Origin = {
  requestId: string;
  idempotencyKey: string | null;
  mistreat: Mistreatment;
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
  /** What faults put off. */
  readonly late = new LateWork();
  /** Objects that lists do not show yet, with the time from which they do. */
  private readonly hidden = new Map<string, number>();
  /** Tells endpoints of the event that waits for the next one. */
  private tellHeld: (() => void) | null = null;

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
    const customer = this.customers.create(origin.mistreat.values(change), this.nowSeconds());
    this.deps.journal.append({ kind: 'customer', customer });
    const event = this.publish({ type: 'customer.created', customer }, origin);
    const lagMs = origin.mistreat.lagMs();
    if (lagMs > 0) {
      for (const id of [customer.id, event.id]) this.hidden.set(id, this.deps.clock() + lagMs);
    }
    return customer;
  }

  /** Whether lists show this object already. */
  isListed(id: string): boolean {
    const fromMs = this.hidden.get(id);
    if (fromMs === undefined) return true;
    if (this.deps.clock() < fromMs) return false;
    this.hidden.delete(id);
    return true;
  }

  updateCustomer(id: string, change: CustomerChange, origin: Origin): Customer {
    const { customer, previous } = this.customers.update(id, origin.mistreat.values(change));
    if (previous === undefined) return customer;
    this.deps.journal.append({ kind: 'customer', customer });
    this.publish({ type: 'customer.updated', customer, previous }, origin);
    return customer;
  }

  deleteCustomer(id: string, origin: Origin): DeletedCustomer {
    const customer = this.customers.remove(id);
    this.deps.journal.append({ kind: 'customer_removed', id });
    this.publish({ type: 'customer.deleted', customer }, origin);
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
    this.late.forget();
    this.hidden.clear();
    this.tellHeld = null;
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

  /** No more deliveries; what a fault held back is done now, so that the journal has it. */
  async close(): Promise<void> {
    this.deliveries.stop();
    this.late.finish();
    await this.deps.journal.settled();
  }

  private publish(
    happening: Pick<Happening, 'type' | 'customer' | 'previous'>,
    { requestId, idempotencyKey, mistreat }: Origin,
  ): StripeEvent {
    this.revision += 1;
    const treatment = mistreat.event();
    const created = (treatment.tie ? this.events.newest()?.created : undefined) ?? this.nowSeconds();
    const made = this.events.make({ ...happening, requestId, idempotencyKey }, created);
    const event = stripped(made, treatment);
    if (treatment.drop) return event;
    const place = this.events.takePlace();
    const surface = (): void => {
      this.revision += 1;
      this.events.add(event, this.nowSeconds(), place);
      this.deps.journal.append({ kind: 'event', event });
      if (!treatment.dropDelivery) this.tell(event, treatment);
    };
    if (treatment.delayMs === 0) surface();
    else this.late.after(treatment.delayMs, surface);
    return event;
  }

  /** Endpoints are told; of an event that changes places with the next one, when they have been told of that. */
  private tell(event: StripeEvent, { copies, holdMs }: EventTreatment): void {
    if (holdMs !== null && this.tellHeld === null) {
      this.tellHeld = this.late.after(holdMs, () => {
        this.tellHeld = null;
        this.deliveries.enqueue(event, copies);
      });
      return;
    }
    this.deliveries.enqueue(event, copies);
    if (this.tellHeld) this.deliveries.whenTold(event.id, this.tellHeld);
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

function stripped(event: StripeEvent, { stripRequest, stripPrevious }: EventTreatment): StripeEvent {
  const { request, data, ...rest } = event;
  return {
    ...rest,
    ...(stripRequest || request === undefined ? {} : { request }),
    data: stripPrevious ? { object: data.object } : data,
  };
}
