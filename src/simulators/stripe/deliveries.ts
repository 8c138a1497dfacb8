/**
 * Sends events to webhook endpoints: signed, soon, many at a time but never without bound, again and again
 * until the endpoint answers 2xx or three days are over. Order is not promised, as Stripe does not promise it
 * (https://docs.stripe.com/webhooks).
 */

import type { Endpoint, Endpoints } from './endpoints';
import type { StripeEvent } from './events';
import type { Ids } from './ids';
import type { Journal } from './journal';
import { type Post, type PostResult, signatureHeader } from './webhook-post';

/** What the journal keeps of a delivery under way. */
export type PendingDelivery = { id: string; endpoint: string; event: string; created: number };

export type DeliveryState = 'pending' | 'delivered' | 'failed' | 'dropped';
export type Delivery = PendingDelivery & {
  type: string;
  url: string;
  state: DeliveryState;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  next_attempt: number | null;
};

export type DeliverySchedule = {
  firstRetryMs: number;
  maxRetryMs: number;
  giveUpMs: number;
  timeoutMs: number;
  concurrency: number;
};

/** Stripe retries for three days too, but with hours between; here a person waits for the next try. */
export const DELIVERY_SCHEDULE: DeliverySchedule = {
  firstRetryMs: 500,
  maxRetryMs: 60_000,
  giveUpMs: 3 * 24 * 3_600_000,
  timeoutMs: 10_000,
  concurrency: 16,
};

const MAX_PENDING = 200_000;
const MAX_ENDED_SHOWN = 500;

/** One endpoint's queue: a slow endpoint holds up nobody else's deliveries. */
type Lane = { ready: Job[]; running: number };
type Job = { delivery: Delivery; event: StripeEvent; timer?: NodeJS.Timeout };

export type DeliveryDeps = {
  endpoints: Endpoints;
  ids: Ids;
  journal: Journal;
  clock: () => number;
  schedule: DeliverySchedule;
  post: Post;
};

export class Deliveries {
  private readonly jobs = new Map<string, Job>();
  private readonly lanes = new Map<string, Lane>();
  private readonly ended: Delivery[] = [];
  private readonly pendingByEvent = new Map<string, number>();
  private readonly listeners = new Map<string, () => void>();
  private stopped = false;
  /** Grows with every change a person could see. */
  revision = 0;

  constructor(private readonly deps: DeliveryDeps) {}

  /** @param times 2 to deliver the same event twice, which Stripe warns may happen */
  enqueue(event: StripeEvent, times = 1): void {
    for (const endpoint of this.deps.endpoints.listening(event.type)) {
      for (let i = 0; i < times; i += 1) {
        const pending = {
          id: this.deps.ids.delivery(),
          endpoint: endpoint.id,
          event: event.id,
          created: this.deps.clock(),
        };
        this.deps.journal.append({ kind: 'delivery', delivery: pending });
        this.start(pending, event, endpoint.url);
      }
    }
  }

  /** Takes up a delivery that was under way when the simulator stopped. */
  resume(pending: PendingDelivery, event: StripeEvent): void {
    this.start(pending, event, this.deps.endpoints.get(pending.endpoint)?.url ?? '');
  }

  pendingFor(eventId: string): number {
    return this.pendingByEvent.get(eventId) ?? 0;
  }

  /** Calls back once, when no endpoint is still to be told of this event. */
  whenTold(eventId: string, done: () => void): void {
    if (this.pendingFor(eventId) === 0) done();
    else this.listeners.set(eventId, done);
  }

  pending(): PendingDelivery[] {
    return [...this.jobs.values()].map(({ delivery: { id, endpoint, event, created } }) => ({
      id,
      endpoint,
      event,
      created,
    }));
  }

  /** Newest first: those under way, then the last ended ones. */
  recent(limit: number): Delivery[] {
    const waiting = [...this.jobs.values()].slice(-limit).map((job) => job.delivery);
    return [...waiting, ...this.ended.slice(-limit)]
      .toSorted((a, b) => b.created - a.created)
      .slice(0, limit);
  }

  /** Forgets everything, without telling anybody. */
  clear(): void {
    for (const job of this.jobs.values()) clearTimeout(job.timer);
    this.jobs.clear();
    this.lanes.clear();
    this.listeners.clear();
    this.revision += 1;
    this.ended.length = 0;
    this.pendingByEvent.clear();
  }

  /** No further attempt begins. What is pending stays in the journal. */
  stop(): void {
    this.stopped = true;
    for (const job of this.jobs.values()) clearTimeout(job.timer);
  }

  private start(pending: PendingDelivery, event: StripeEvent, url: string): void {
    const job: Job = {
      event,
      delivery: {
        ...pending,
        type: event.type,
        url,
        state: 'pending',
        attempts: 0,
        last_status: null,
        last_error: null,
        next_attempt: null,
      },
    };
    this.jobs.set(pending.id, job);
    this.pendingByEvent.set(event.id, this.pendingFor(event.id) + 1);
    const lane = this.lane(pending.endpoint);
    lane.ready.push(job);
    this.revision += 1;
    if (this.jobs.size > MAX_PENDING) {
      const [oldest] = this.jobs.values();
      if (oldest) this.end(oldest, 'dropped');
    }
    this.pump(lane);
  }

  private lane(endpointId: string): Lane {
    const lane = this.lanes.get(endpointId) ?? { ready: [], running: 0 };
    this.lanes.set(endpointId, lane);
    return lane;
  }

  private pump(lane: Lane): void {
    while (!this.stopped && lane.running < this.deps.schedule.concurrency) {
      const job = lane.ready.shift();
      if (!job) return;
      if (!this.jobs.has(job.delivery.id)) continue;
      const endpoint = this.deps.endpoints.get(job.delivery.endpoint);
      if (!endpoint || endpoint.status === 'disabled') {
        // Stripe sends nothing, later either, for an endpoint that is disabled or gone.
        this.end(job, 'dropped');
        continue;
      }
      lane.running += 1;
      void this.attempt(job, endpoint, lane);
    }
  }

  private async attempt(job: Job, endpoint: Endpoint, lane: Lane): Promise<void> {
    const { clock, post, schedule } = this.deps;
    const { delivery } = job;
    delivery.attempts += 1;
    delivery.next_attempt = null;
    delivery.url = endpoint.url;
    const body = JSON.stringify({ ...job.event, pending_webhooks: this.pendingFor(job.event.id) }, null, 2);
    const signature = signatureHeader(body, endpoint.secret, Math.floor(clock() / 1000));
    const result = await post(endpoint.url, body, signature, schedule.timeoutMs);
    lane.running -= 1;
    this.revision += 1;
    if (this.jobs.has(delivery.id)) this.conclude(job, result);
    this.pump(lane);
  }

  private conclude(job: Job, result: PostResult): void {
    const { delivery } = job;
    delivery.last_status = result.kind === 'answered' ? result.status : null;
    delivery.last_error = result.kind === 'failed' ? result.reason : null;
    if (result.kind === 'answered' && result.status >= 200 && result.status < 300) {
      this.end(job, 'delivered');
      return;
    }
    const { clock, schedule } = this.deps;
    const waitMs = Math.min(schedule.firstRetryMs * 2 ** (delivery.attempts - 1), schedule.maxRetryMs);
    if (clock() + waitMs > delivery.created + schedule.giveUpMs) {
      this.end(job, 'failed');
      return;
    }
    if (this.stopped) return;
    delivery.next_attempt = clock() + waitMs;
    job.timer = setTimeout(() => {
      const lane = this.lane(delivery.endpoint);
      lane.ready.push(job);
      this.pump(lane);
    }, waitMs);
    job.timer.unref();
  }

  private end(job: Job, state: Exclude<DeliveryState, 'pending'>): void {
    const { delivery, event } = job;
    clearTimeout(job.timer);
    delivery.state = state;
    delivery.next_attempt = null;
    this.jobs.delete(delivery.id);
    const left = this.pendingFor(event.id) - 1;
    if (left > 0) this.pendingByEvent.set(event.id, left);
    else this.pendingByEvent.delete(event.id);
    this.ended.push(delivery);
    if (this.ended.length > MAX_ENDED_SHOWN) this.ended.shift();
    this.deps.journal.append({ kind: 'delivery_ended', id: delivery.id });
    if (left > 0) return;
    const done = this.listeners.get(event.id);
    this.listeners.delete(event.id);
    done?.();
  }
}
