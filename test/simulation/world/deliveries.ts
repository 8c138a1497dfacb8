/** What a remote tells of itself: events, in a weather of their own. */
import { CUSTOMER } from '../../../src/catalogs/customer/customer';
import type { MemorySystem } from '../../../src/connectors/memory';
import { claimsOf, fieldsOf } from '../../../src/connectors/memory/records';
import type { RemoteEvent } from '../../../src/connectors/connector';
import type { InstallationId } from '../../../src/core/ids';
import type { Chance } from '../engine/ports';
import type { PlannedConnection, Rates, Where } from './plan';

/** One attempt to hand over one event. */
export interface Delivery {
  readonly connection: Where;
  readonly event: RemoteEvent;
  /** Leaves this much later. */
  readonly after_ms: number;
}

export interface Outbox {
  /** Hands over what happened since the last call of this. */
  flush(): void;
  /** Hands over everything that ever happened, once more. */
  again(): void;
  /** Nothing is handed over until then. Virtual time. */
  closeUntil(at_ms: number): void;
  /** No event is lost from now on. @returns those that were: whoever lists them finds them, else they are handed over now */
  heal(): void;
}

const PROMPT_MS = 150;

export function createOutbox(
  parts: {
    readonly planned: PlannedConnection;
    readonly system: MemorySystem;
    readonly installation: InstallationId;
    readonly chance: Chance;
    readonly now_ms: () => number;
    readonly rates: Rates['events'];
  },
  deliver: (delivery: Delivery) => void,
): Outbox {
  const { planned, system, installation, chance, now_ms } = parts;
  const { account, mode } = system.identity;
  const lost: RemoteEvent[] = [];
  let rates: Rates['events'] | null = parts.rates;
  let told = 0;
  let closedUntil_ms = 0;

  const hand = (event: RemoteEvent, most_ms = PROMPT_MS): void =>
    deliver({ connection: planned.name, event, after_ms: chance.int(most_ms) });

  function send(event: RemoteEvent): void {
    const isLost = now_ms() < closedUntil_ms || chance.happens(rates?.dropped ?? 0);
    if (isLost) return void lost.push(event);
    const copies = chance.happens(rates?.doubled ?? 0) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      hand(event, rates !== null && chance.happens(rates.late) ? rates.late_ms : PROMPT_MS);
    }
  }

  const events = (from: number): RemoteEvent[] =>
    system
      .events()
      .slice(from)
      .map((event) => ({
        id: event.id,
        type: `${CUSTOMER.name}.${event.change}`,
        subject: {
          catalog: CUSTOMER.name,
          remoteId: event.object.id,
          change: event.change,
          claims: claimsOf(event.object, installation),
          previous: planned.tellsPrevious ? event.previous : null,
          fields: fieldsOf(event.object, CUSTOMER),
        },
        causedByKey: planned.tellsCause ? event.key : null,
        createdAt: Math.floor(event.at / 1000),
        account,
        live: mode === 'live',
      }));

  return {
    flush() {
      const fresh = events(told);
      told += fresh.length;
      for (const event of fresh) send(event);
    },
    again() {
      for (const event of events(0)) hand(event);
    },
    closeUntil: (at_ms) => void (closedUntil_ms = at_ms),
    heal() {
      rates = null;
      closedUntil_ms = 0;
      if (!planned.hasEventList) for (const event of lost) hand(event);
    },
  };
}
