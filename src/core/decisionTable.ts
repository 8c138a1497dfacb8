import type { LocalKind, RemoteKind } from './sides';

/** What a cell of the table asks for; `reconcile` turns it into a step with its values. */
export type Verb =
  | 'merge'
  | 'create-remote'
  | 'create-local'
  | 'delete-remote'
  | 'delete-local'
  | 'retire'
  | 'void'
  | 'renew'
  | 'wait'
  | 'park-missing';

export interface Cell {
  readonly verb: Verb;
  readonly story: string;
}

/** Every pair of sides has its cell; the compiler refuses a missing one. Read by docs/RECONCILE.md's test too. */
export const DECISION_TABLE: Record<LocalKind, Record<RemoteKind, Cell>> = {
  none: {
    none: { verb: 'void', story: 'a record id was reserved and nothing ever stood on either side' },
    created: { verb: 'create-local', story: 'born there: it becomes a record here' },
    edited: {
      verb: 'create-local',
      story: 'our row vanished without a tombstone: nothing says a person deleted it, so it comes back',
    },
    deleted: {
      verb: 'void',
      story: 'born and deleted there before we looked: nothing to make, and its id is remembered',
    },
    unknown: { verb: 'wait', story: 'born there, but it cannot be read now' },
  },
  created: {
    none: { verb: 'create-remote', story: 'born here: it is created there' },
    created: { verb: 'merge', story: 'the same customer stands on both sides and nothing was agreed yet' },
    edited: {
      verb: 'merge',
      story: 'the base belongs to an earlier row of this record: field by field tells what is new',
    },
    deleted: {
      verb: 'delete-local',
      story: 'our creation was deleted there before its answer reached us: the deletion is the later word',
    },
    unknown: { verb: 'wait', story: 'it may stand there already: creating now could make a second one' },
  },
  edited: {
    none: {
      verb: 'park-missing',
      story: 'it was agreed with an object whose id is lost: creating another could double it',
    },
    created: {
      verb: 'merge',
      story: 'the base belongs to an earlier object: field by field tells what is new',
    },
    edited: {
      verb: 'merge',
      story: 'both stand: compared field by field with what was agreed',
    },
    deleted: {
      verb: 'delete-local',
      story: 'deleted there: it is deleted here too, edited meanwhile or not',
    },
    unknown: { verb: 'wait', story: 'the other side cannot be read, so nothing is known to be old' },
  },
  deleted: {
    none: { verb: 'retire', story: 'deleted here before it ever stood there' },
    created: {
      verb: 'delete-remote',
      story: 'deleted here while its creation was on the way: it is deleted there too',
    },
    edited: {
      verb: 'delete-remote',
      story: 'deleted here: it is deleted there too, edited meanwhile or not',
    },
    deleted: { verb: 'retire', story: 'deleted on both sides: agreed' },
    unknown: { verb: 'wait', story: 'deleted here, but the other side cannot be told now' },
  },
  restored: {
    none: { verb: 'create-remote', story: 'restored here: it is created there anew, under a new generation' },
    created: { verb: 'merge', story: 'restored here and an object of this generation stands there already' },
    edited: { verb: 'merge', story: 'restored before its deletion was sent: the object there goes on' },
    deleted: {
      verb: 'renew',
      story: 'restored here after it was deleted there: this generation ends and a new one begins',
    },
    unknown: {
      verb: 'wait',
      story: 'restored here, but whether the old object still stands cannot be told now',
    },
  },
};
