/** Calls to a remote: what was sent, what the remote made of it, and what was edited here meanwhile. */
import fc from 'fast-check';
import { foldAnswer } from '../../../src/core/fold';
import type { Fold } from '../../../src/core/fold';
import type { Base, Fields, FieldValue, Policy } from '../../../src/core/fields';
import { anyScene, policyFor } from './scene';
import type { Scene } from './scene';
import { alike, FIELDS, rewritten, VALUES } from './values';
import type { FieldName } from './values';

/** What the remote made of one field that was sent. */
type Treatment = 'kept' | 'rewrote' | 'altered' | 'dropped' | 'unchanged';
const TREATMENTS: readonly [Treatment, ...Treatment[]] = [
  'kept',
  'kept',
  'rewrote',
  'altered',
  'dropped',
  'unchanged',
];

export interface Call {
  /** Both sides when the call was decided, and their base. */
  readonly scene: Scene;
  readonly sent: readonly FieldName[];
  readonly made: Readonly<Record<FieldName, Treatment>>;
  readonly alteredTo: Fields;
  /** What was edited here during the call; null: the record was deleted. */
  readonly meanwhile: Fields | null;
}

const treatment = fc.constantFrom(...TREATMENTS);
const valueOf = (field: FieldName) => fc.constantFrom(...VALUES[field]);
const edits = fc.record(
  { name: valueOf('name'), email: valueOf('email'), plan: valueOf('plan') },
  { requiredKeys: [] },
);

export const anyCall: fc.Arbitrary<Call> = fc.record({
  scene: anyScene,
  sent: fc.subarray([...FIELDS], { minLength: 1 }),
  made: fc.record({ name: treatment, email: treatment, plan: treatment }),
  alteredTo: fc.record({ name: valueOf('name'), email: valueOf('email'), plan: valueOf('plan') }),
  meanwhile: fc.oneof({ arbitrary: edits, weight: 8 }, { arbitrary: fc.constant(null), weight: 1 }),
});

export interface Folded {
  readonly call: Call;
  readonly policy: Policy;
  readonly base: Base;
  readonly sent: Fields;
  readonly answered: Fields;
  readonly ours: Fields | null;
  readonly fold: Fold;
}

function answerTo({ scene, made, alteredTo }: Call, field: FieldName, sent: Fields): FieldValue {
  const there = scene.theirs[field] ?? null;
  if (!(field in sent)) return there;
  const wanted = sent[field] ?? null;
  const answers: Record<Treatment, FieldValue> = {
    kept: wanted,
    rewrote: rewritten(field, wanted),
    altered: alteredTo[field] ?? null,
    dropped: null,
    unchanged: there,
  };
  return answers[made[field]];
}

export function folded(call: Call): Folded {
  const { scene, meanwhile } = call;
  const policy = policyFor(scene);
  // Only what differs from what was agreed here is ever sent.
  const due = call.sent.filter((field) => {
    const pair = scene.base[field];
    return pair === undefined || !alike(field, scene.ours[field], pair.ours);
  });
  const sent: Fields = Object.fromEntries(due.map((field) => [field, scene.ours[field] ?? null]));
  const answered: Fields = Object.fromEntries(FIELDS.map((field) => [field, answerTo(call, field, sent)]));
  const ours = meanwhile === null ? null : { ...scene.ours, ...meanwhile };
  const fold = foldAnswer(scene.base, sent, answered, ours, policy);
  return { call, policy, base: scene.base, sent, answered, ours, fold };
}
