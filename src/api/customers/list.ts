import type { RequestHandler } from 'express';
import { z } from 'zod';
import { EMAIL_MAX_CHARS } from '../../catalogs/customer/customer';
import { parseRecordId } from '../../core/ids';
import { list } from '../../store/customers';
import type { Customer, Place } from '../../store/customers';
import { SYNC_STATES } from '../../store/syncState';
import { answering, json } from '../answer';
import type { ApiDeps } from '../deps';
import { parseQuery } from '../input';
import { Problem } from '../problem';
import { present } from './present';
import { customerBody } from './shapes';

const LIMIT_DEFAULT = 25;
const LIMIT_MAX = 100;
/** 0001-01-01 and 9999-12-31 in Unix milliseconds: what JavaScript and Postgres both write with four digits. */
const TIME_MIN_MS = -62_135_596_800_000;
const TIME_MAX_MS = 253_402_300_799_999;

/** How many of a page, for every list. */
export const limit = z
  .string()
  .meta({ override: { type: 'integer', minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT } })
  .transform((text, context) => {
    const number = /^-?\d+$/.test(text) ? Number(text) : null;
    if (number !== null && number >= 1 && number <= LIMIT_MAX) return number;
    const code = number === null ? 'not_a_number' : 'out_of_range';
    const message = `It must be a whole number, 1..${LIMIT_MAX}.`;
    context.addIssue({ code: 'custom', message, params: { code } });
    return z.NEVER;
  })
  .default(LIMIT_DEFAULT);

export const listQuery = z.strictObject({
  limit,
  cursor: z.string().optional().meta({ description: 'The `next_cursor` of the page before.' }),
  email: z
    .string()
    // An address holds no space, so one here was a plus sign that the client forgot to encode.
    .transform((text) => text.trim().replaceAll(' ', '+'))
    .refine((text) => text !== '' && text.length <= EMAIL_MAX_CHARS && !/\p{Cc}/u.test(text), {
      error: 'It must be an e-mail address.',
      params: { code: 'email_invalid' },
    })
    .optional()
    .meta({ description: 'Compared without regard to case and surrounding space.' }),
  sync_state: z
    .enum(SYNC_STATES, { error: `It must be one of ${SYNC_STATES.join(', ')}.` })
    .optional()
    .meta({ description: 'The state at any connection; `deleted` finds deleted customers.' }),
  include_deleted: z
    .enum(['true', 'false'], { error: 'It must be true or false.' })
    .transform((text) => text === 'true')
    .optional(),
});

export const listBody = z
  .object({
    data: z.array(customerBody),
    has_more: z.boolean(),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'CustomerList' });

function writeCursor(customer: Customer): string {
  return Buffer.from(`${customer.createdAt.getTime()}.${customer.id}`).toString('base64url');
}

function readCursor(text: string): Place {
  const decoded = Buffer.from(text, 'base64url').toString('latin1');
  const match = /^(-?\d{1,15})\.([0-9a-f-]{36})$/.exec(decoded);
  const ms = Number(match?.[1]);
  const id = parseRecordId(match?.[2] ?? '');
  const known = id !== null && ms >= TIME_MIN_MS && ms <= TIME_MAX_MS;
  if (!known)
    throw new Problem('cursor_invalid', 'Send `next_cursor` as it was given, or start without one.');
  return { createdAt: new Date(ms), id };
}

type ListQuery = z.output<typeof listQuery>;

/** RFC 8288. Relative, so that it is right behind any proxy. */
function nextLink(query: ListQuery, cursor: string): string {
  const { limit: size, email, sync_state: state, include_deleted: deleted } = query;
  const params = new URLSearchParams({ limit: String(size), cursor });
  if (email !== undefined) params.set('email', email);
  if (state !== undefined) params.set('sync_state', state);
  if (deleted !== undefined) params.set('include_deleted', String(deleted));
  return `</customers?${params.toString()}>; rel="next"`;
}

/** `GET /customers` */
export function listCustomers({ database }: ApiDeps): RequestHandler {
  return answering(async (request) => {
    const query = parseQuery(listQuery, request.url);
    // One row more than asked for tells whether there is another page.
    const found = await list(database, query.limit + 1, {
      after: query.cursor === undefined ? null : readCursor(query.cursor),
      email: query.email ?? null,
      state: query.sync_state ?? null,
      includeDeleted: query.include_deleted ?? false,
    });
    const page = found.slice(0, query.limit);
    const last = page.at(-1);
    const next = found.length > page.length && last !== undefined ? writeCursor(last) : null;
    const data = await present(database, page);
    const headers = next === null ? {} : { Link: nextLink(query, next) };
    return json(200, { data, has_more: next !== null, next_cursor: next }, headers);
  });
}
