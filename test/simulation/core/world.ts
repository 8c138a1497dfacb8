/** A tiny world of one record here and its objects there, and what people do to both. */
import type { Base, Fields, FieldValue, Policy } from '../../../src/core/fields';
import type { LostValue } from '../../../src/core/merge';
import type { LocalRecord } from '../../../src/core/sides';
import type { Tally } from './tally';
import { alike, FIELDS, form, policyOf } from './values';
import type { FieldName, Rules } from './values';

/** What the remote system makes of values: it may keep them, or have a form of its own. */
export type Shape = 'as written' | 'shortens names' | 'drops plans';

const NAME_MAX_CHARS = 3;

export function shaped(shape: Shape, field: string, value: FieldValue): FieldValue {
  if (shape === 'drops plans' && field === 'plan') return null;
  if (shape !== 'shortens names' || field !== 'name' || typeof value !== 'string') return value;
  return value.trim().slice(0, NAME_MAX_CHARS);
}

export interface RemoteThing {
  fields: Fields;
  deleted: boolean;
}

export interface WorldLink {
  readonly generation: number;
  state: 'reserved' | 'linked' | 'deleting' | 'retired' | 'void';
  /** Which of the world's objects; null while none is known. */
  object: number | null;
  base: Base;
  remoteDeleted: boolean;
  detached: boolean;
}

export interface WorldIntent {
  readonly kind: 'create' | 'update' | 'delete';
  readonly values: Fields;
  /** What we knew stood there when it was written down, in canonical form. */
  readonly replaces: Fields;
  readonly lookId: number;
  sends: number;
  /** Its key may be forgotten there: the outcome must be found out without it. */
  forgotten: boolean;
  /** The stored answer, once it took effect. */
  effect: { readonly object: number; readonly answer: Fields } | 'gone' | null;
}

/** A person wrote a field or deleted the side. `previous`: what stood there just before, in canonical form. */
export interface PersonEvent {
  readonly at: number;
  readonly side: 'here' | 'there';
  readonly field: FieldName | null;
  readonly value: FieldValue;
  readonly previous: Fields;
  /** False where only the writing changed. */
  readonly isNew: boolean;
  /** Written while our DELETE was on its way: nobody reads the object again before it is gone. */
  readonly underDeletion: boolean;
}

export type LostAt = LostValue & { readonly at: number };

/** Where a world begins. */
export type Start = 'agreed' | 'born here' | 'born there';

/** A value nobody else writes, made when it is written. */
export const FRESH = '*';

export class World {
  record: LocalRecord = { kind: 'absent' };
  readonly objects: RemoteThing[] = [];
  link: WorldLink | null = null;
  intent: WorldIntent | null = null;
  lookId = 0;
  readonly lost: LostAt[] = [];
  readonly log: PersonEvent[] = [];
  /** Mutations that took effect there. */
  remoteWrites = 0;
  /** Things people did, each of which may cost one write there. */
  changes = 0;
  /** Somebody deleted the linked object there, and no restore came after. */
  deletedThere = false;
  /** It was restored after every deletion that could be seen, and nobody deleted it since. */
  restored = false;
  /** Some outcome had to be found out without its key. */
  forgotten = false;
  readonly resurrections: string[] = [];
  /**
   * Fields of a call whose answer was lost and whose key was forgotten, where what stands there tells too little to
   * account for each value: the object was deleted since, or shows something else than was sent, which may be the
   * remote's own form or an edit, a dropped value or an emptied one (activities/trace.ts, resolveUpdate.ts).
   */
  readonly blurred = new Set<string>();
  readonly policy: Policy;
  /** Fields whose question to a person is open after the last look. */
  asks: readonly string[] = [];

  constructor(
    rules: Rules,
    readonly shape: Shape,
    start: Start,
    values: Fields,
    readonly tally: Tally,
  ) {
    this.policy = policyOf(rules.onConflict, rules.onDelete);
    const known = Object.fromEntries(
      FIELDS.map((field) => [field, this.fresh(field, values[field] ?? null)]),
    );
    if (start !== 'born there') this.record = { kind: 'live', fields: known, version: 1 };
    const there = Object.fromEntries(
      FIELDS.map((field) => [field, shaped(shape, field, known[field] ?? null)]),
    );
    if (start !== 'born here') this.objects.push({ fields: there, deleted: false });
    if (start === 'agreed') {
      this.record = { kind: 'live', fields: there, version: 1 };
      const base = Object.fromEntries(
        FIELDS.map((field) => [field, { ours: there[field]!, theirs: there[field]! }]),
      );
      this.link = { generation: 1, state: 'linked', object: 0, base, remoteDeleted: false, detached: false };
    }
    if (start === 'born there')
      this.link = {
        generation: 1,
        state: 'reserved',
        object: 0,
        base: {},
        remoteDeleted: false,
        detached: false,
      };
    const side = start === 'born there' ? 'there' : 'here';
    const written = side === 'here' && start !== 'agreed' ? known : there;
    for (const field of FIELDS) this.note(side, field, written[field] ?? null, {});
    this.changes += 1;
  }

  private clock = 0;
  now(): number {
    this.clock += 1;
    return this.clock;
  }

  private fresh(field: FieldName, value: FieldValue): FieldValue {
    if (value !== FRESH) return value;
    const number = this.now();
    return field === 'plan' ? number + 1_000 : field === 'email' ? `n${number}@x.io` : `N${number}`;
  }

  private note(
    side: PersonEvent['side'],
    field: FieldName | null,
    value: FieldValue,
    previous: Fields,
  ): void {
    const known = Object.fromEntries(FIELDS.map((one) => [one, form(one, previous[one])]));
    const underDeletion = side === 'there' && this.intent?.kind === 'delete';
    const isNew = field === null || !alike(field, value, previous[field]);
    this.log.push({ at: this.now(), side, field, value, previous: known, isNew, underDeletion });
  }

  lose(lost: readonly LostValue[]): void {
    for (const one of lost) if (one.winner !== 'ask') this.lost.push({ ...one, at: this.now() });
  }

  /** The object a person finds there: the one that still stands. */
  standing(): RemoteThing | null {
    return this.objects.findLast((object) => !object.deleted) ?? null;
  }

  /** Only a restore may bring back what is deleted. */
  setRecord(next: LocalRecord, by: 'person' | 'sync' | 'restore'): void {
    const revived = this.record.kind === 'tombstone' && next.kind === 'live';
    if (revived && by !== 'restore') this.resurrections.push(`a tombstone came back by ${by}`);
    this.record = next;
  }

  editHere(values: Fields): void {
    if (this.record.kind !== 'live') return;
    const { fields, version } = this.record;
    const next: Record<string, FieldValue> = { ...fields };
    for (const field of FIELDS) {
      if (!(field in values)) continue;
      next[field] = this.fresh(field, values[field] ?? null);
      this.note('here', field, next[field], fields);
    }
    this.setRecord({ kind: 'live', fields: next, version: version + 1 }, 'person');
    this.changes += 1;
  }

  editThere(values: Fields): void {
    const object = this.standing();
    if (object === null) return;
    const next: Record<string, FieldValue> = { ...object.fields };
    for (const field of FIELDS) {
      if (!(field in values)) continue;
      next[field] = shaped(this.shape, field, this.fresh(field, values[field] ?? null));
      this.note('there', field, next[field], object.fields);
    }
    object.fields = next;
    this.changes += 1;
  }

  deleteHere(): void {
    if (this.record.kind !== 'live') return;
    const { fields, version } = this.record;
    this.restored = false;
    this.note('here', null, null, fields);
    this.setRecord({ kind: 'tombstone', fields, version: version + 1 }, 'person');
    this.changes += 1;
  }

  /** Brings back what the tombstone remembers, or other values. */
  restore(values: Fields | null): void {
    if (this.record.kind !== 'tombstone') return;
    const { fields, version } = this.record;
    this.setRecord({ kind: 'live', fields, version: version + 1 }, 'restore');
    this.deletedThere = false;
    this.restored = this.isDeletionKnown();
    this.changes += 1;
    if (values !== null) this.editHere(values);
  }

  deleteThere(): void {
    const object = this.standing();
    if (object === null) return;
    this.restored = false;
    this.note('there', null, null, object.fields);
    object.deleted = true;
    this.changes += 1;
    // While a link ends, its object's deletion is what is wanted anyway, and a restore made meanwhile goes on without it.
    if (!this.isEnding()) this.deletedThere = true;
  }

  private isEnding(): boolean {
    return this.link === null || this.link.state === 'deleting' || this.link.detached;
  }

  /**
   * Whether a restore made now is told from the deletion before it. Deleted here and there and restored here before any
   * look, the record looks as if it had been deleted there alone.
   */
  private isDeletionKnown(): boolean {
    const { link } = this;
    if (link === null || this.isEnding() || link.state === 'retired' || link.state === 'void') return true;
    return this.objects.every((object) => !object.deleted || object !== this.objects.at(-1));
  }

  forgetKey(): void {
    if (this.intent === null || this.intent.sends === 0) return;
    this.intent.forgotten = true;
    this.forgotten = true;
  }
}
