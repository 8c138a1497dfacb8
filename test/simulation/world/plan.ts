/**
 * What happens in one simulated run: who stands where at the start, what people do and when, and how the weather is. Plain
 * data, so that a failing plan can be written down, cut down and told in words.
 */
import type { DeleteGuard } from '../../../src/core/deleteGuard';
import type { ConflictPolicy, DeletePolicy, Fields } from '../../../src/core/fields';
import type { RecordId } from '../../../src/core/ids';
import { parseRecordId, trusted } from '../../../src/core/ids';

/** The simulated connections, the highest rank first. */
export const CONNECTIONS = ['stripe', 'crm'] as const;
export type Where = (typeof CONNECTIONS)[number];

/** `api` hears webhooks; each of the others is a relay, a worker and a poller in one. */
export const PROCESSES = ['api', 'A', 'B'] as const;
export type ProcessName = (typeof PROCESSES)[number];

/** A customer of the story: a record here, objects there, or both. */
export type Who = number;

/** The id of a record that was born here. One that was born there has the id that the product gives it. */
export function recordOf(who: Who): RecordId {
  const text = `00000000-0000-7000-8000-${who.toString(16).padStart(12, '0')}`;
  return trusted(parseRecordId(text), 'record id');
}

export interface Citizen {
  readonly who: Who;
  /**
   * `here`: a row alone. `there`: an object alone, at `at`. `paired`: in sync on all sides before the first act: written
   * here, and the world comes to rest in calm weather. `strangers`: a row here and an object at `at`, of whom nobody
   * knows yet that they may be the same.
   */
  readonly stands: 'here' | 'there' | 'paired' | 'strangers';
  readonly at: Where;
  readonly fields: Fields;
  /** Of the object of a stranger; else the same. */
  readonly theirs: Fields;
}

export type Operation =
  'read' | 'list' | 'create' | 'update' | 'remove' | 'findCreated' | 'listEvents' | 'identify';

/** What may go wrong with one call to a remote. */
export const FAULTS = [
  /** it took effect, the answer never comes: the caller's own time-out ends the call */
  'answer lost',
  /** it never arrived, the caller's time-out ends the call */
  'never arrives',
  /** nothing is answered until long after the caller's time-out; then it takes effect */
  'hangs',
  /** a proxy answers 504 at once, and the origin does it some time later */
  'late commit',
  /** 500 without effect, kept under the key and given again */
  'stored 500 before',
  /** 500 although it took effect, kept under the key and given again */
  'stored 500 after',
  /** 500 without effect, and nothing is kept */
  'plain 500',
  '409',
  '429',
  'lock_timeout',
] as const;
export type Fault = (typeof FAULTS)[number];

/** How a whole connection is for a while. */
export type Outage =
  /** no call gets an answer */
  | 'silent'
  /** every call hangs until the caller's time-out */
  | 'hangs'
  | 'unauthorized'
  /** the credentials open another account: its own identity, and 404 for everything */
  | 'other account'
  | '429';

export interface WriteHere {
  /** `restore` is an insert of an id that has a tombstone. `email null` is a field of null. */
  readonly does: 'insert' | 'update' | 'remove' | 'restore';
  readonly who: Who;
  readonly fields: Fields;
}

/** A moment of a run. */
export type When =
  /** Virtual milliseconds after the last act of kind `rest` before it in the list, or after the beginning. */
  | { readonly kind: 'at'; readonly ms: number }
  /**
   * While the nth call (from 1) of this operation from the same beginning is under way: `arriving` before it takes effect,
   * `done` when it did and was not yet answered. The call is held until the act is over. An act whose call never comes
   * does not happen.
   */
  | {
      readonly kind: 'call';
      readonly connection: Where;
      readonly operation: Operation;
      readonly nth: number;
      readonly phase: 'arriving' | 'done';
    };

export type Deed =
  /** One transaction of the product's own code. With `rollback` nothing of it may ever be seen. */
  | {
      readonly kind: 'write here';
      readonly writes: readonly WriteHere[];
      readonly ends: 'commit' | 'rollback';
    }
  | { readonly kind: 'edit there'; readonly connection: Where; readonly who: Who; readonly fields: Fields }
  | { readonly kind: 'plant there'; readonly connection: Where; readonly who: Who; readonly fields: Fields }
  | { readonly kind: 'erase there'; readonly connection: Where; readonly who: Who }
  /** Somebody copies the metadata of one object to another one there. */
  | { readonly kind: 'copy mark'; readonly connection: Where; readonly from: Who; readonly to: Who }
  /** The process dies at once and is started again after `for_ms`. */
  | { readonly kind: 'kill'; readonly process: ProcessName; readonly for_ms: number }
  /** Whatever of the process waits at that moment is let go on only after `for_ms`. */
  | { readonly kind: 'stall'; readonly process: ProcessName; readonly for_ms: number }
  | { readonly kind: 'outage'; readonly connection: Where; readonly how: Outage; readonly for_ms: number }
  /** The next call of this operation, one for each. */
  | {
      readonly kind: 'fault';
      readonly connection: Where;
      readonly operation: Operation;
      readonly fault: Fault;
    }
  /** No event of this connection is delivered for a while; the event list still has them. */
  | { readonly kind: 'webhooks lost'; readonly connection: Where; readonly for_ms: number }
  /** The same event once more, and once more: all that were told until now. */
  | { readonly kind: 'redeliver'; readonly connection: Where }
  /** Everybody's clock goes on. */
  | { readonly kind: 'leap'; readonly ms: number }
  /** Postgres's clock alone is set, forward or back. */
  | { readonly kind: 'skew'; readonly ms: number }
  | { readonly kind: 'temporal down'; readonly for_ms: number }
  /** All runs and histories are gone. */
  | { readonly kind: 'temporal wiped' }
  | { readonly kind: 'terminate'; readonly who: Who }
  | { readonly kind: 'sweep'; readonly connection: Where }
  /** An operator asks for a look. */
  | { readonly kind: 'hint'; readonly who: Who }
  /** All that was begun is done, no fault lasts, nothing is due: then the list goes on, and its times begin anew. */
  | { readonly kind: 'rest' };

export interface Act {
  readonly when: When;
  readonly deed: Deed;
}

/** Probabilities, 0 to 1, for one call or one event. Only until the quiet. */
export interface Rates {
  readonly calls: Readonly<Partial<Record<Fault, number>>>;
  readonly events: {
    readonly dropped: number;
    readonly doubled: number;
    /** Of events that come up to `late_ms` late, overtaken by others. */
    readonly late: number;
    readonly late_ms: number;
  };
  /** An accidental death of any process at any turn. */
  readonly deaths: number;
  /** Any waiter is kept beyond its lease. */
  readonly stalls: number;
}

/** What the remote makes of values. */
export type Form =
  | 'as written'
  /** trims, and writes e-mails in lower case: alike in canonical form */
  | 'tidies'
  /** keeps the first characters of a name: another value, to be taken over here */
  | 'shortens names'
  /** accepts names and keeps none */
  | 'drops names';

export interface PlannedConnection {
  readonly name: Where;
  readonly form: Form;
  /** Refuses (400) whatever value holds REFUSED. */
  readonly refuses: boolean;
  /** Whether events name the key of the request, and what stood there before. */
  readonly tellsCause: boolean;
  readonly tellsPrevious: boolean;
  /** Whether it has a list of events. Without it no webhook is dropped for good, and a sweep ends the run. */
  readonly hasEventList: boolean;
  /** Lists show what was made only after so long. */
  readonly listLag_ms: number;
}

/** A system without peculiarities. */
export const PLAIN: Omit<PlannedConnection, 'name'> = {
  form: 'as written',
  refuses: false,
  tellsCause: true,
  tellsPrevious: true,
  hasEventList: true,
  listLag_ms: 0,
};

/** A value with this in it is refused where `refuses` is set. */
export const REFUSED = '#';
/** Every value that is written anywhere has this in it, in any case, so that it can be searched for where it must not be. */
export const CANARY = 'canary';

export interface Plan {
  readonly seed: number;
  /** Of a named story, else null. */
  readonly name: string | null;
  readonly weather: 'calm' | 'rough' | 'wild';
  readonly connections: readonly PlannedConnection[];
  readonly onConflict: ConflictPolicy;
  readonly onDelete: DeletePolicy;
  readonly deleteGuard: DeleteGuard | null;
  /** Processes beside the api; one or two. */
  readonly workers: readonly ProcessName[];
  readonly population: readonly Citizen[];
  readonly acts: readonly Act[];
  readonly rates: Rates;
  /** Deliveries, polls and looks begin only after the last act (I8). */
  readonly held: boolean;
  /** Seed of the scheduler and of the weather, apart from `seed`: the same plan in another order. */
  readonly schedule: number;
}

export const CALM: Rates = {
  calls: {},
  events: { dropped: 0, doubled: 0, late: 0, late_ms: 0 },
  deaths: 0,
  stalls: 0,
};

export { makePlan } from './makePlan';
