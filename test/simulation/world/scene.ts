/** What a few acts that belong together are drawn from. */
import type { Fields } from '../../../src/core/fields';
import type { Chance } from '../engine/ports';
import type { Act, Deed, Operation, ProcessName, When, Where, WriteHere, Who } from './plan';
import type { Values } from './values';

/** Two edits that belong together lie this close, about the time of one call. */
export const CLOSE_MS = 120;

/** What a motif is drawn from. */
export interface Scene {
  readonly chance: Chance;
  readonly values: Values;
  readonly who: Who;
  readonly other: Who;
  readonly connection: Where;
  /** When it begins, after the last rest. */
  readonly from_ms: number;
  readonly workers: readonly ProcessName[];
}

export const at = (ms: number): When => ({ kind: 'at', ms: Math.max(0, Math.round(ms)) });

export const during = (
  connection: Where,
  operation: Operation,
  phase: 'arriving' | 'done',
  nth = 1,
): When => ({
  kind: 'call',
  connection,
  operation,
  nth,
  phase,
});

export const here = (does: WriteHere['does'], who: Who, fields: Fields = {}): Deed => ({
  kind: 'write here',
  writes: [{ does, who, fields }],
  ends: 'commit',
});

export type Motif = (scene: Scene) => Act[];

export const near = ({ chance, from_ms }: Scene): When => at(from_ms + chance.int(CLOSE_MS));
export const soon = ({ chance, from_ms }: Scene): When => at(from_ms + CLOSE_MS + chance.int(2_000));

/** Close to it in time, or while a call about it is under way. */
export function meanwhile(scene: Scene, operations: readonly Operation[]): When {
  const { chance, connection } = scene;
  return chance.happens(0.5)
    ? near(scene)
    : during(connection, chance.pick(operations), chance.pick(['arriving', 'done']), 1 + chance.int(2));
}

export function edit({ chance, values, who, connection }: Scene, fields = values.edit(who)): Deed {
  return chance.happens(0.5) ? here('update', who, fields) : { kind: 'edit there', connection, who, fields };
}
