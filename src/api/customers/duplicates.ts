import { z } from 'zod';
import type { RecordId } from '../../core/ids';
import { findByEmail, MATCHES_MAX } from '../../store/customers';
import type { Sql } from '../../store/database';
import { Problem } from '../problem';

const ON_DUPLICATE = { error: 'It must be reject, update or create.' };

/** `POST /customers`. */
export const onDuplicateQuery = z.strictObject({
  on_duplicate: z.enum(['reject', 'update', 'create'], ON_DUPLICATE).default('reject').meta({
    description:
      'What to do when a live customer has this e-mail: refuse (409), update that one, or create another.',
  }),
});

/** Where a customer exists already and cannot become another one. */
export const onDuplicateChangeQuery = z.strictObject({
  on_duplicate: z
    .enum(['reject', 'create'], { error: 'It must be reject or create.' })
    .default('reject')
    .meta({
      description:
        'What to do when another live customer has this e-mail: refuse (409), or let both have it.',
    }),
});

export interface Matches {
  readonly ids: readonly RecordId[];
  readonly total: number;
}

/** Names the others by id only: their e-mail and name are personal data, and a problem may be logged by anybody. */
export function duplicate(code: 'customer_exists' | 'ambiguous', matches: Matches, hint: string): Problem {
  return new Problem(code, hint, {
    members: {
      matches: matches.ids.map((id) => ({ id, href: `/customers/${id}` })),
      ...(matches.total > MATCHES_MAX ? { matches_total: matches.total } : {}),
    },
  });
}

/**
 * Refuses an e-mail that another live customer has. The caller holds the e-mail's lock (`lockEmail`).
 * @throws Problem 409 `customer_exists`
 */
export async function refuseTaken(sql: Sql, email: string, self: RecordId | null): Promise<void> {
  const matches = await findByEmail(sql, email, self);
  if (matches.total === 0) return;
  throw duplicate(
    'customer_exists',
    matches,
    'Use one of `matches`, or allow both with ?on_duplicate=create.',
  );
}
