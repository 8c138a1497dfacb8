/** One look's input: one base, and two sides made from it by keeping, rewriting or changing each field. */
import fc from 'fast-check';
import { DECISION_TABLE } from '../../../src/core/decisionTable';
import { alike, anyRules, FIELDS, form, policyOf, rewritten, VALUES, WRITINGS } from './values';
import type { AgreedPair, Base, Fields, FieldValue, Policy } from '../../../src/core/fields';
import type { Local, LocalKind, Remote, RemoteKind } from '../../../src/core/sides';
import type { FieldName, Rules } from './values';

/** As generated: plain, so that a failing case can be read. */
export interface Scene {
  readonly cell: readonly [LocalKind, RemoteKind];
  readonly base: Base;
  readonly ours: Fields;
  readonly theirs: Fields;
  readonly rules: Rules;
}

const CELLS = (Object.keys(DECISION_TABLE) as LocalKind[]).flatMap((local) =>
  (Object.keys(DECISION_TABLE[local]) as RemoteKind[]).map((remote) => [local, remote] as const),
);
/** Most scenes are merges, where fields matter; no cell is rarer than one in about seventy. */
const MERGES = CELLS.filter(([local, remote]) => DECISION_TABLE[local][remote].verb === 'merge');
const anyCell = fc.constantFrom(...CELLS, ...Array(6).fill(MERGES).flat());

function pairs(field: FieldName): Array<AgreedPair | null> {
  const agreed = WRITINGS[field].flatMap((ways) =>
    ways.flatMap((ours) => ways.map((theirs): AgreedPair => ({ ours, theirs }))),
  );
  // What a fold leaves when the remote altered or dropped what we sent and the row had moved on or was kept.
  const apart = WRITINGS[field].flatMap(([ours]) =>
    WRITINGS[field]
      .filter(([theirs]) => form(field, theirs) !== form(field, ours))
      .slice(0, 2)
      .map(([theirs]): AgreedPair => ({ ours, theirs })),
  );
  const pulled = agreed.slice(0, 4).map((pair): AgreedPair => ({ ...pair, pulled: true }));
  const never = Array<null>(6).fill(null);
  return [...agreed, ...pulled, ...apart, ...never];
}

type Move = 'keep' | 'rewrite' | 'change' | 'follow';
const MOVES: readonly [Move, ...Move[]] = ['keep', 'keep', 'rewrite', 'change', 'change', 'change', 'follow'];

interface FieldScene {
  readonly pair: AgreedPair | null;
  readonly ours: FieldValue;
  readonly theirs: FieldValue;
}

function moved(
  field: FieldName,
  move: Move,
  old: FieldValue,
  value: FieldValue,
  other: FieldValue,
): FieldValue {
  switch (move) {
    case 'keep':
      return old;
    case 'rewrite':
      return rewritten(field, old);
    case 'change':
      return value;
    case 'follow':
      return rewritten(field, other);
  }
}

function fieldScene(field: FieldName): fc.Arbitrary<FieldScene> {
  const value = fc.constantFrom(...VALUES[field]);
  const move = fc.constantFrom(...MOVES);
  return fc
    .tuple(fc.constantFrom(...pairs(field)), move, value, move, value)
    .map(([pair, ourMove, ourValue, theirMove, theirValue]) => {
      const ours = moved(field, ourMove, pair?.ours ?? ourValue, ourValue, pair?.theirs ?? ourValue);
      const theirs = moved(field, theirMove, pair?.theirs ?? theirValue, theirValue, ours);
      return { pair, ours, theirs };
    });
}

/** An empty field may be there as null, or not be there at all. */
function fields(of: Readonly<Record<FieldName, FieldValue>>, sparse: boolean): Fields {
  return Object.fromEntries(
    FIELDS.filter((field) => !sparse || of[field] !== null).map((field) => [field, of[field]]),
  );
}

export const anyScene: fc.Arbitrary<Scene> = fc
  .tuple(
    anyCell,
    fc.record({ name: fieldScene('name'), email: fieldScene('email'), plan: fieldScene('plan') }),
    anyRules('local', 'remote', 'ask'),
    fc.boolean(),
  )
  .map(([cell, { name, email, plan }, rules, sparse]) => ({
    cell,
    base: Object.fromEntries(
      Object.entries({ name: name.pair, email: email.pair, plan: plan.pair }).flatMap(([field, pair]) =>
        pair === null ? [] : [[field, pair] as const],
      ),
    ),
    ours: fields({ name: name.ours, email: email.ours, plan: plan.ours }, sparse),
    theirs: fields({ name: name.theirs, email: email.theirs, plan: plan.theirs }, sparse),
    rules,
  }));

export function localOf(kind: LocalKind, ours: Fields): Local {
  return kind === 'none' ? { kind } : { kind, fields: ours, version: 1 };
}

export function remoteOf(kind: RemoteKind, theirs: Fields): Remote {
  return kind === 'created' || kind === 'edited' ? { kind, fields: theirs } : { kind };
}

export function policyFor({ rules }: Scene): Policy {
  return policyOf(rules.onConflict, rules.onDelete);
}

/** Whether the value came to be on this side after the base, i.e. somebody wrote it since. */
export function isNewer({ base, ours, theirs }: Scene, field: FieldName, side: 'ours' | 'theirs'): boolean {
  const value = side === 'ours' ? ours[field] : theirs[field];
  const pair = base[field];
  return pair === undefined ? form(field, value) !== null : !alike(field, value, pair[side]);
}

/** Agreed in two forms: the remote had altered or dropped what we sent, and the row had moved on or was kept. */
export function isApart({ base }: Scene, field: FieldName): boolean {
  const pair = base[field];
  return pair !== undefined && !alike(field, pair.ours, pair.theirs);
}
