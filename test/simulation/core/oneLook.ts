/** What becomes of two sides when a decision is done to its end by a remote that answers honestly. */
import { foldAnswer } from '../../../src/core/fold';
import { describeLocal } from '../../../src/core/sides';
import type { Base, Fields, Policy } from '../../../src/core/fields';
import type { LostValue } from '../../../src/core/merge';
import type { Decision, Step } from '../../../src/core/reconcile';
import type { Local, LocalKind, LocalRecord, Remote } from '../../../src/core/sides';
import { localOf, policyFor, remoteOf } from './scene';
import type { Scene } from './scene';
import type { Tally } from './tally';

/** Two sides and their link. */
export interface Sides {
  readonly record: LocalRecord;
  readonly object: Remote;
  readonly base: Base;
  readonly generation: number;
  /** How the record is to be seen, where the first look was told so; else it is described by the real function. */
  readonly localKind?: LocalKind;
  /** The link was cut or its id remembered for good: nothing looks at it any more. */
  readonly over?: boolean;
}

export interface Look {
  readonly before: Sides;
  readonly decision: Decision;
  readonly after: Sides;
  readonly lost: readonly LostValue[];
}

export function sidesOf({ cell: [local, remote], base, ours, theirs }: Scene): Sides {
  const kind = local === 'none' ? 'absent' : local === 'deleted' ? 'tombstone' : 'live';
  return {
    record: kind === 'absent' ? { kind } : { kind, fields: ours, version: 1 },
    object: remoteOf(remote, theirs),
    base,
    generation: 1,
    localKind: local,
  };
}

function localIn({ record, object, base, generation, localKind }: Sides): Local {
  if (localKind !== undefined) return localOf(localKind, record.kind === 'absent' ? {} : record.fields);
  const hasObject = object.kind !== 'none';
  const hasBase = Object.keys(base).length > 0;
  return describeLocal(record, { generation, ending: false, hasBase, hasObject });
}

const GONE: Remote = { kind: 'deleted' };

function live(fields: Fields): LocalRecord {
  return { kind: 'live', fields, version: 2 };
}

function answered(
  at: Sides,
  sent: Fields,
  there: Fields,
  ours: Fields,
  policy: Policy,
): Omit<Look, 'before' | 'decision'> {
  const fold = foldAnswer(at.base, sent, there, ours, policy);
  const after = {
    record: live({ ...ours, ...fold.take }),
    object: { kind: 'edited', fields: there } as const,
    base: fold.base,
    generation: at.generation,
  };
  return { after, lost: fold.lost };
}

/** The pull and the base of a decision are written; what it pushes is still only written down. */
export function pulled(before: Sides, step: Extract<Step, { kind: 'merge' }>): Sides {
  const { record, object, generation } = before;
  if (record.kind === 'absent') throw new Error('A merge was decided for a record that does not stand here');
  const theirs = 'fields' in object ? object.fields : {};
  return {
    record: live({ ...record.fields, ...step.pull }),
    object: { kind: 'edited', fields: theirs },
    base: step.base,
    generation,
  };
}

function perform(before: Sides, { step }: Decision, policy: Policy): Omit<Look, 'before' | 'decision'> {
  const { record, object, base, generation } = before;
  const fields = record.kind === 'absent' ? {} : record.fields;
  const tombstone: LocalRecord =
    record.kind === 'absent' ? record : { kind: 'tombstone', fields, version: 2 };
  const ends = { base, generation, over: true };
  switch (step.kind) {
    case 'merge': {
      const there = 'fields' in object ? object.fields : {};
      const half = pulled(before, step);
      if (Object.keys(step.push).length === 0) return { after: half, lost: step.lost };
      const ours = { ...fields, ...step.pull };
      const { after, lost } = answered(half, step.push, { ...there, ...step.push }, ours, policy);
      return { after, lost: [...step.lost, ...lost] };
    }
    case 'create-remote':
      return answered({ ...before, base: {} }, step.values, step.values, fields, policy);
    case 'create-local':
      return {
        after: {
          record: live(step.values),
          object: { ...object, kind: 'edited' } as Remote,
          base: step.base,
          generation,
        },
        lost: [],
      };
    case 'delete-remote':
      return { after: { record, object: GONE, ...ends }, lost: step.lost };
    case 'delete-local':
      return { after: { record: tombstone, object, ...ends }, lost: step.lost };
    case 'renew':
      return { after: { record, object: { kind: 'none' }, base: {}, generation: generation + 1 }, lost: [] };
    case 'detach':
    case 'retire':
    case 'void':
      return { after: { record, object, ...ends }, lost: [] };
    case 'wait':
    case 'park-missing':
      return { after: before, lost: [] };
  }
}

/** One look done to its end. */
export function lookAt(before: Sides, policy: Policy, tally: Tally): Look {
  const decision = tally.decide(before.base, localIn(before), before.object, policy);
  return { before, decision, ...perform(before, decision, policy) };
}

/** Nothing is written on either side, kept as lost, or remembered anew. Questions to a person stay asked. */
export function isQuiet({ before, decision: { step }, lost }: Look): boolean {
  if (step.kind !== 'merge') return ['retire', 'void', 'wait', 'park-missing'].includes(step.kind);
  const nothing = Object.keys({ ...step.pull, ...step.push }).length === 0;
  const asked = lost.every(({ field, winner }) => winner === 'ask' && step.asks.includes(field));
  return nothing && asked && JSON.stringify(step.base) === JSON.stringify(before.base);
}

/** More than any scene needs; one that needs more never comes to rest. */
const LOOKS_MAX = 4;

export interface Rest {
  readonly scene: Scene;
  readonly policy: Policy;
  readonly first: Look;
  /** The looks that did something, and the one that found nothing to do, if there was one. */
  readonly looks: readonly Look[];
  readonly end: Sides;
}

/** Looks until there is nothing left to do. */
export function rest(scene: Scene, tally: Tally): Rest {
  const policy = policyFor(scene);
  const first = lookAt(sidesOf(scene), policy, tally);
  const looks = [first];
  for (
    let last = first;
    looks.length < LOOKS_MAX && !isQuiet(last) && last.after.over !== true;
    looks.push(last)
  ) {
    last = lookAt(last.after, policy, tally);
  }
  return { scene, policy, first, looks, end: looks.at(-1)!.after };
}

export type Merging = Extract<Step, { kind: 'merge' }>;

export function mergeOf({ step }: Decision): Merging | null {
  return step.kind === 'merge' ? step : null;
}

export function fieldsIn(side: Sides['record'] | Sides['object']): Fields | null {
  return 'fields' in side && side.kind !== 'tombstone' ? side.fields : null;
}
