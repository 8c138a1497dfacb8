/** What clients did and what they were told: the history that is held against what stands in the end. */

export type FieldName = 'name' | 'email';
export const FIELD_NAMES: readonly FieldName[] = ['name', 'email'];
export type Values = Readonly<Partial<Record<FieldName, string | null>>>;

/** `here`: the product's own customers, by REST or SQL. `there`: a person at Stripe. */
export type Side = 'here' | 'there';

/**
 * `ok`: acknowledged. `failed`: nothing was written, by rule or because nobody listened. `unknown`: whoever asked was cut off
 * before it was told; it happened once or not at all.
 */
export type Result = 'ok' | 'failed' | 'unknown';

export interface Operation {
  readonly number: number;
  readonly kind: 'create' | 'edit' | 'delete' | 'restore';
  readonly side: Side;
  readonly via: 'api-a' | 'api-b' | 'sql' | 'dashboard';
  /** Null when it was to be created and its id was never told. */
  readonly recordId: string | null;
  readonly remoteId: string | null;
  readonly values: Values;
  readonly result: Result;
  /** Milliseconds since 1970, of the one clock of this machine. */
  readonly begin: number;
  readonly end: number;
  /** What was answered, for the story of a violation. */
  readonly told: string;
}

/** The form in which both sides are compared: src/catalogs/customer, told once more by hand. */
export function canonical(field: FieldName, value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const text = value.normalize('NFC').trim();
  if (text === '') return null;
  return field === 'email' ? text.toLowerCase().normalize('NFC') : text;
}

export function describe(operation: Operation): string {
  const { number, kind, side, via, recordId, remoteId, values, result, begin, end, told } = operation;
  const at = `${new Date(begin).toISOString().slice(11, 23)} to ${new Date(end).toISOString().slice(11, 23)}`;
  return `#${number} ${kind} ${side} via ${via} ${recordId ?? ''} ${remoteId ?? ''} ${JSON.stringify(values)} ${result} (${told}) ${at}`;
}
