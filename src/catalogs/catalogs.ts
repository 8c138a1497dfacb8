/** All catalogs. A new one is one line here, one folder beside `customer/`, and one file per system that has it. */
import { CUSTOMER } from './customer/customer';
import type { Catalog } from './catalog';
import type { CatalogName } from '../core/ids';

export const CATALOGS: ReadonlyMap<CatalogName, Catalog> = new Map(
  [CUSTOMER].map((catalog) => [catalog.name, catalog]),
);
