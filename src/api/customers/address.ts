import type { Request } from 'express';
import { parseRecordId } from '../../core/ids';
import type { RecordId } from '../../core/ids';
import { findDeleted } from '../../store/customers';
import type { Sql } from '../../store/database';
import { Problem } from '../problem';
import { gone } from './present';

export function notFound(): Problem {
  return new Problem('not_found', 'There is no customer with this id.');
}

/** The `{id}` of the path. @throws Problem 404 when it is not an id at all */
export function idOf(request: Request): RecordId {
  const id = parseRecordId(String(request.params['id']));
  if (id === null) throw notFound();
  return id;
}

/** Why a customer that does not live cannot be had: 410 when it was deleted, else 404. */
export async function missing(sql: Sql, id: RecordId): Promise<Problem> {
  const deleted = await findDeleted(sql, id);
  return deleted === null ? notFound() : gone(sql, deleted);
}
