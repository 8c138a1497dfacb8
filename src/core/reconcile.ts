/**
 * DECIDE. Given what stands on both sides and what was last agreed, what is to be done? Pure, total and synchronous: no
 * I/O, no clock, no ids; the same inputs give the same decision on every replay.
 * Imports nothing but this folder. Touched by: activities.
 */
import { assertNever } from './assertNever';
import { DECISION_TABLE } from './decisionTable';
import { editsLostToDeletion, mergeFields } from './merge';
import type { Base, Fields, Policy } from './fields';
import type { LostValue, Merge } from './merge';
import type { Local, LocalKind, Remote, RemoteKind } from './sides';

export type Step =
  /** both stand; any of pull, push and lost may be empty. `asks` names the fields a person must decide. */
  | ({ readonly kind: 'merge'; readonly asks: readonly string[] } & Merge)
  | { readonly kind: 'create-remote'; readonly values: Fields }
  | { readonly kind: 'create-local'; readonly values: Fields; readonly base: Base }
  | { readonly kind: 'delete-remote'; readonly lost: readonly LostValue[] }
  | { readonly kind: 'delete-local'; readonly lost: readonly LostValue[] }
  /** the link is cut and the object stays: policy detach */
  | { readonly kind: 'detach' }
  | { readonly kind: 'retire' }
  | { readonly kind: 'void' }
  | { readonly kind: 'renew' }
  | { readonly kind: 'wait' }
  | { readonly kind: 'park-missing' };

export interface Decision {
  readonly cell: { readonly local: LocalKind; readonly remote: RemoteKind };
  readonly story: string;
  readonly step: Step;
}

const NO_FIELDS: Fields = {};

function fieldsOf(side: Local | Remote): Fields {
  return 'fields' in side ? side.fields : NO_FIELDS;
}

function filled(fields: Fields, policy: Policy): Fields {
  const known = Object.keys(policy.fields).map((field) => [field, fields[field] ?? null] as const);
  return Object.fromEntries(
    known.filter(([field, value]) => policy.fields[field]?.canonical(value) !== null),
  );
}

function agreedAt(fields: Fields, policy: Policy): Base {
  return Object.fromEntries(
    Object.keys(policy.fields).map((field) => {
      const value = fields[field] ?? null;
      return [field, { ours: value, theirs: value }];
    }),
  );
}

/** Decides one look at one link. */
export function reconcile(base: Base, local: Local, remote: Remote, policy: Policy): Decision {
  const cell = DECISION_TABLE[local.kind][remote.kind];
  const decide = (step: Step): Decision => ({
    cell: { local: local.kind, remote: remote.kind },
    story: cell.story,
    step,
  });
  const ours = fieldsOf(local);
  const theirs = fieldsOf(remote);
  switch (cell.verb) {
    case 'merge': {
      const merge = mergeFields(base, ours, theirs, policy);
      const asks = merge.lost.filter((lost) => lost.winner === 'ask').map((lost) => lost.field);
      return decide({ kind: 'merge', asks, ...merge });
    }
    case 'create-remote':
      return decide({ kind: 'create-remote', values: filled(ours, policy) });
    case 'create-local':
      return decide({ kind: 'create-local', values: theirs, base: agreedAt(theirs, policy) });
    case 'delete-remote':
      return policy.onDelete === 'detach'
        ? decide({ kind: 'detach' })
        : decide({
            kind: 'delete-remote',
            lost: editsLostToDeletion(base, { side: 'theirs', fields: theirs, remembered: ours }, policy),
          });
    case 'delete-local':
      return decide({
        kind: 'delete-local',
        lost: editsLostToDeletion(base, { side: 'ours', fields: ours }, policy),
      });
    case 'retire':
    case 'void':
    case 'renew':
    case 'wait':
    case 'park-missing':
      return decide({ kind: cell.verb });
    default:
      return assertNever(cell.verb);
  }
}
