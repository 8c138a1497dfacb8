/**
 * The migrations in their order, named without an extension so that source and build agree. Each is frozen once released
 * and so imports nothing of ours: code that changes later would change what it did.
 */
import * as foundation from './0001_foundation';
import type { Knex } from 'knex';

export const MIGRATIONS: ReadonlyArray<{ name: string; migration: Knex.Migration }> = [
  { name: '0001_foundation', migration: foundation },
];
