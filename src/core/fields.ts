/** What one field of a record can hold. Plain JSON, so that it may stand in a `jsonb` column as it is. */
export type FieldValue = string | number | boolean | null;

/** A record's synced fields by name. */
export type Fields = Readonly<Record<string, FieldValue>>;

/** The pair last agreed for one field: what stood here and what stood there. They differ where a system has its own form. */
export interface AgreedPair {
  readonly ours: FieldValue;
  readonly theirs: FieldValue;
  /** True where the value came here from there. With several systems it then counts with that system's rank (rank.ts). */
  readonly pulled?: true;
}

/** The base of a link: the agreed pair of each field; a field that is missing was never agreed. */
export type Base = Readonly<Record<string, AgreedPair>>;

/** Who keeps the field when both sides changed it differently: we, they, or a person who is asked (the record parks). */
export type ConflictPolicy = 'local' | 'remote' | 'ask';

/** How one field is compared and how its conflicts end. */
export interface FieldRule {
  readonly onConflict: ConflictPolicy;
  /** The form in which two values are compared; nothing specific to a system. Idempotent. */
  readonly canonical: (value: FieldValue) => FieldValue;
}

/** What happens in the remote system when a record is deleted here: the deletion goes on, or the link is only cut. */
export type DeletePolicy = 'propagate' | 'detach';

/** Everything a decision depends on besides the two sides and their base. */
export interface Policy {
  readonly fields: Readonly<Record<string, FieldRule>>;
  readonly onDelete: DeletePolicy;
}

/** Whether two values are the same in the field's canonical form. */
export function same(rule: FieldRule, a: FieldValue, b: FieldValue): boolean {
  return rule.canonical(a) === rule.canonical(b);
}
