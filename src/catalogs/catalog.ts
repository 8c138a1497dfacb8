/**
 * What a catalog is: its table, its synced fields, how each is compared, and what the API accepts.
 * May touch: src/core. Touched by: connectors, store, activities, src/api.
 */
import type { FieldRule, Fields } from '../core/fields';
import type { CatalogName } from '../core/ids';

export interface CatalogField {
  /** The form in which two values are compared; idempotent and specific to no system. */
  readonly canonical: FieldRule['canonical'];
  /**
   * The form in which a value of ours is sent: a system may refuse what does not count here (blanks around an e-mail). The same
   * value in canonical form, so that what stands here stays as it was written.
   */
  readonly sent: FieldRule['canonical'];
  /** True for personal data: such a value is never logged and never crosses into Temporal. */
  readonly personal: boolean;
  /** Longest value the API accepts, in characters. Reading from a system accepts whatever it can return. */
  readonly maxChars: number;
}

export interface Catalog {
  readonly name: CatalogName;
  /** Table in schema `counterpart`, with the columns id, version, created_at, updated_at and one per field. */
  readonly table: string;
  readonly fields: Readonly<Record<string, CatalogField>>;
  /** The field by which a record born elsewhere may be recognised as one of ours, or null. */
  readonly recognisedBy: string | null;
}

/** Values of ours as they are sent. */
export function asSent({ fields }: Pick<Catalog, 'fields'>, values: Fields): Fields {
  return Object.fromEntries(
    Object.entries(values).map(([field, value]) => [field, fields[field]?.sent(value) ?? null]),
  );
}
