import type { Request } from 'express';
import { parseRecordId } from '../../core/ids';
import type { RecordId } from '../../core/ids';
import { findDeleted } from '../../store/customers';
import type { Sql } from '../../store/database';
import { Problem } from '../problem';
import { gone } from './present';

/** For what stands in the place of an id and has not its form. */
export const NO_ID =
  'This is no id: an id is a UUID of 36 characters, e.g. 01890000-0000-7000-8000-000000000000.';

export function notFound(): Problem {
  return new Problem('not_found', 'There is no customer with this id. GET /customers lists them.');
}

/** The `{id}` of the path. @throws Problem 404 when it is not an id at all */
export function idOf(request: Request): RecordId {
  const id = parseRecordId(String(request.params['id']));
  if (id === null) throw new Problem('not_found', NO_ID);
  return id;
}

/** Why a customer that does not live cannot be had: 410 when it was deleted, else 404. */
export async function missing(sql: Sql, id: RecordId): Promise<Problem> {
  const deleted = await findDeleted(sql, id);
  return deleted === null ? notFound() : gone(sql, deleted);
}
