/** What faults do to a change once it is under way: to its values, to its event, to its place in lists. */

import type { CustomerChange } from './customer-fields';
import type { Fault, FaultBoard, Struck } from './fault-board';

/** How an event is mistreated. */
export type EventTreatment = {
  drop: boolean;
  dropDelivery: boolean;
  copies: number;
  delayMs: number;
  /** How long at most endpoints wait for it to be told after the next event; null: not at all. */
  holdMs: number | null;
  tie: boolean;
  stripRequest: boolean;
  stripPrevious: boolean;
};

/** Each is asked only when there is something to mistreat, because asking uses faults up. */
export type Mistreatment = {
  values: (change: CustomerChange) => CustomerChange;
  event: () => EventTreatment;
  /** How long a new customer is missing from lists. */
  lagMs: () => number;
};

const HONEST: EventTreatment = {
  drop: false,
  dropDelivery: false,
  copies: 1,
  delayMs: 0,
  holdMs: null,
  tie: false,
  stripRequest: false,
  stripPrevious: false,
};

/** @param byPerson what a person does on the page arrives unaltered; its event and its place in lists are not spared. */
export function mistreatmentOf(faults: FaultBoard, request: Struck, byPerson: boolean): Mistreatment {
  return {
    values: (change) => (byPerson ? change : altered(faults, request, change)),
    event: () =>
      faults
        .strikeAll('event', request)
        .reduce<EventTreatment>((treatment, fault) => ({ ...treatment, ...effectOf(fault) }), HONEST),
    lagMs: () =>
      faults.strikeAll('creation', request).reduce((most, fault) => Math.max(most, fault.delay_ms ?? 0), 0),
  };
}

function effectOf(fault: Fault): Partial<EventTreatment> {
  switch (fault.name) {
    case 'drop-events':
      return { drop: true };
    case 'drop-deliveries':
      return { dropDelivery: true };
    case 'double-events':
      return { copies: 2 };
    case 'delay-events':
      return { delayMs: fault.delay_ms ?? 0 };
    case 'reorder-events':
      return { holdMs: fault.delay_ms ?? 0 };
    case 'tie-events':
      return { tie: true };
    case 'strip-request':
      return { stripRequest: true };
    case 'strip-previous':
      return { stripPrevious: true };
    default:
      throw new Error(`The fault ${fault.name} has no effect on events`);
  }
}

/** A fault strikes only a change that writes its field. */
function altered(faults: FaultBoard, request: Struck, change: CustomerChange): CustomerChange {
  const writes = ({ field }: Fault): boolean => field !== undefined && typeof change[field] === 'string';
  let out = change;
  for (const { field, how, length } of faults.strikeAll('write', request, writes)) {
    const value = field === undefined ? undefined : out[field];
    if (field === undefined || typeof value !== 'string') continue;
    out = { ...out, [field]: inForm(value, how, length ?? 0) };
  }
  return out;
}

function inForm(value: string, how: Fault['how'], length: number): string {
  switch (how) {
    case 'trim':
      return value.trim();
    case 'lowercase':
      return value.toLowerCase();
    case 'truncate':
      return Array.from(value).slice(0, length).join('');
    case 'uppercase':
    case undefined:
      return value.toUpperCase();
  }
}
