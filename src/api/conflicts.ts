import type { Request, RequestHandler, Router } from 'express';
import { z } from 'zod';
import { CUSTOMER } from '../catalogs/customer/customer';
import { parseRecordId } from '../core/ids';
import { findDeleted, findLive, lockEmail, lockLive, update } from '../store/customers';
import type { Sql } from '../store/database';
import { countAsSeen, findLost, listLost, lockLost, resolve } from '../store/lostValues';
import type { KeptValue } from '../store/lostValues';
import { forgetSwings } from '../store/swings';
import { noteOperator } from '../store/timeline';
import { enqueue } from '../store/workQueue';
import { answering, json } from './answer';
import type { Answer } from './answer';
import { readOptionalJson } from './body';
import { idOf, NO_ID, notFound } from './customers/address';
import { onDuplicateChangeQuery, refuseTaken } from './customers/duplicates';
import { present } from './customers/present';
import { customerBody, WRONG_TYPE } from './customers/shapes';
import type { ApiDeps } from './deps';
import { parseBody, parseQuery } from './input';
import { once } from './once';
import { Problem } from './problem';
import { resource } from './resource';

const fieldValue = z.union([z.string(), z.number(), z.boolean()]).nullable();
const side = z.enum(['local', 'remote'], { error: 'It must be local or remote.' });

export const conflictBody = z
  .object({
    id: z.uuid(),
    connection: z.string(),
    field: z.string(),
    ours: fieldValue,
    theirs: fieldValue,
    winner: z
      .enum(['local', 'remote', 'ask', 'deletion'])
      .meta({ description: 'Whose value stayed; ask: nobody decided.' }),
    cause: z.enum(['both_edited', 'edit_and_delete', 'overwritten_unseen', 'altered', 'ping_pong']),
    created_at: z.iso.datetime(),
    resolved_at: z.iso.datetime().nullable(),
    resolution: side.nullable().meta({ description: 'Whose value a person took.' }),
  })
  .meta({ id: 'Conflict', description: 'A value that lost.' });

export const conflictListBody = z.object({ data: z.array(conflictBody) }).meta({ id: 'ConflictList' });

export const applyInput = z
  .strictObject(
    {
      take: side.optional().meta({
        description:
          'Whose value to take. Without it: the one that lost. Needed where none of the two is told to have lost: winner ask, where ' +
          'nobody decided, and winner deletion, where an edit of either side lost to it.',
      }),
    },
    WRONG_TYPE,
  )
  .meta({ id: 'ApplyConflict' });

export const appliedBody = z
  .object({ conflict: conflictBody, customer: customerBody })
  .meta({ id: 'AppliedConflict' });

function presentConflict(lost: KeptValue): z.output<typeof conflictBody> {
  const { id, connection, field, ours, theirs, winner, cause, resolution } = lost;
  const at = {
    created_at: lost.createdAt.toISOString(),
    resolved_at: lost.resolvedAt?.toISOString() ?? null,
  };
  return { id, connection, field, ours, theirs, winner, cause, ...at, resolution };
}

/** Whose value lost, where one of the two won: a deletion wins over an edit of either side, and does not tell of which. */
const LOSERS: Partial<Record<KeptValue['winner'], 'local' | 'remote'>> = { local: 'remote', remote: 'local' };

function refuseResolved(lost: KeptValue): void {
  if (lost.resolvedAt === null) return;
  if (lost.resolution === null) {
    throw new Problem(
      'conflict_closed',
      'The two sides became alike by themselves, or one of them is gone, so there is nothing to take.',
    );
  }
  throw new Problem('conflict_applied', 'Change the customer with PATCH to change it once more.');
}

function invalidTake(code: string, detail: string): Problem {
  return new Problem('invalid', 'See `errors` for each field and what is wrong with it.', {
    errors: [{ pointer: '/take', code, detail }],
  });
}

/** What a policy decided is undone by taking the loser. Else there is a choice, and nothing stands in for the answer. */
function sideToTake(lost: KeptValue, asked: 'local' | 'remote' | undefined): 'local' | 'remote' {
  const loser = LOSERS[lost.winner];
  if (loser === undefined) {
    if (asked !== undefined) return asked;
    const why = lost.winner === 'ask' ? 'Nobody decided yet' : 'Either may be the edit that was lost';
    throw invalidTake('take_missing', `${why}: say local (our value) or remote (theirs).`);
  }
  if (asked === undefined || asked === loser) return loser;
  throw invalidTake('not_the_loser', 'This value won already; only the other can be taken.');
}

/** A value that lost to a deletion can only be taken once the record is back. */
async function notLive(sql: Sql, lost: KeptValue): Promise<Problem> {
  const deleted = await findDeleted(sql, lost.recordId);
  if (deleted === null) return notFound();
  const hint = `Restore the customer first, with POST /customers/${lost.recordId}/restore; then take the value.`;
  return new Problem(lost.cause === 'edit_and_delete' ? 'restore_first' : 'customer_deleted', hint, {
    members: { deleted_at: deleted.deletedAt?.toISOString() },
  });
}

async function apply(
  sql: Sql,
  seen: KeptValue,
  take: 'local' | 'remote',
  mayDouble: boolean,
): Promise<Answer> {
  const { recordId, field } = seen;
  const value = take === 'remote' ? seen.theirs : seen.ours;
  const asks = seen.winner === 'ask';
  const email = field === 'email' && typeof value === 'string' ? value : null;
  if (email !== null) await lockEmail(sql, email);
  const before = await lockLive(sql, recordId);
  if (before === null) throw await notLive(sql, seen);
  const lost = await lockLost(sql, seen);
  if (lost === null) throw unknownConflict();
  refuseResolved(lost);
  if (lost.ours !== seen.ours || lost.theirs !== seen.theirs) {
    throw new Problem('conflict_moved', 'Read the conflict again and decide again.');
  }
  if (asks && take === 'local') {
    await countAsSeen(sql, lost);
  } else {
    if (email !== null && !mayDouble) await refuseTaken(sql, email, recordId);
    const { version } = await update(sql, recordId, { [field]: value });
    if (version > before.version) await noteOperator(sql, recordId, version);
  }
  const conflict = await resolve(sql, lost, take);
  await forgetSwings(sql, CUSTOMER.name, recordId);
  // Also where no row changed: the link is parked and nothing else asks for a look.
  await enqueue(sql, CUSTOMER.name, [recordId], 'operator');
  const [customer] = await present(sql, [(await findLive(sql, recordId)) ?? before]);
  return json(200, { conflict: presentConflict(conflict), customer });
}

function unknownConflict(): Problem {
  return new Problem(
    'not_found',
    'This customer has no conflict with this id. GET /customers/{id}/conflicts lists them.',
  );
}

/** A conflict's id is a UUID like a record's. */
function conflictIdOf(request: Request): string {
  const id = parseRecordId(String(request.params['cid']));
  if (id === null) throw new Problem('not_found', NO_ID);
  return id;
}

function applyConflict(deps: ApiDeps): RequestHandler {
  return answering(async (request, response) => {
    const id = idOf(request);
    const conflictId = conflictIdOf(request);
    const { on_duplicate: onDuplicate } = parseQuery(onDuplicateChangeQuery, request.url);
    const { take } = parseBody(applyInput, (await readOptionalJson(request, response)) ?? {});
    return once(deps, request, [take, onDuplicate], async (sql) => {
      const seen = await findLost(sql, id, conflictId);
      if (seen === null) throw unknownConflict();
      refuseResolved(seen);
      // what comes first is told first
      if (seen.winner === 'deletion' && (await findLive(sql, id)) === null) throw await notLive(sql, seen);
      return apply(sql, seen, sideToTake(seen, take), onDuplicate === 'create');
    });
  });
}

function listConflicts({ database }: ApiDeps): RequestHandler {
  return answering(async (request) => {
    const id = idOf(request);
    const lost = await listLost(database, id);
    const known =
      lost.length > 0 ||
      (await findLive(database, id)) !== null ||
      (await findDeleted(database, id)) !== null;
    if (!known) throw notFound();
    return json(200, { data: lost.map(presentConflict) });
  });
}

/** `GET /customers/{id}/conflicts` and `POST .../conflicts/{cid}/apply`. */
export function routeConflicts(router: Router, deps: ApiDeps): void {
  resource(router, '/customers/:id/conflicts', { get: listConflicts(deps) });
  resource(router, '/customers/:id/conflicts/:cid/apply', { post: applyConflict(deps) });
}
