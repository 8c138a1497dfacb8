import { createHmac } from 'node:crypto';
import { parseInstallationId, trusted } from '../core/ids';
import type { FieldValue } from '../core/fields';
import type { InstallationId } from '../core/ids';
import type { Sql } from './database';

export interface Installation {
  readonly id: InstallationId;
  readonly secret: Buffer;
}

/** @throws when the migrations have not run */
export async function readInstallation(sql: Sql): Promise<Installation> {
  const { rows } = await sql.query<{ id: string; secret: Buffer }>(
    'select id, secret from counterpart.installation',
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The installation row is missing: run the migrations');
  return { id: trusted(parseInstallationId(row.id), 'installation id'), secret: row.secret };
}

/** Tells whether two values of a field are the same without keeping either: HMAC-SHA256 under the installation's secret. */
export type Fingerprint = (field: string, canonicalValue: FieldValue) => string;

export function fingerprintWith(secret: Buffer): Fingerprint {
  return (field, value) =>
    createHmac('sha256', secret)
      .update(JSON.stringify([field, value]))
      .digest('base64url');
}
