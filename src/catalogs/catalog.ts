/**
 * What a catalog is: its table, its synced fields, how each is compared, and what the API accepts.
 * May touch: src/core. Touched by: connectors, store, activities, src/api.
 */
import type { FieldRule } from '../core/fields';
import type { CatalogName } from '../core/ids';

export interface CatalogField {
  /** The form in which two values are compared; idempotent and specific to no system. */
  readonly canonical: FieldRule['canonical'];
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
