import { z } from 'zod';
import { EMAIL_MAX_CHARS, NAME_MAX_CHARS } from '../../catalogs/customer/customer';
import { REASON_CODES, REASONS } from '../../core/reason';
import { SYNC_STATES } from '../../store/syncState';

/** One @; a dot-atom before it; behind it a name with a dot, its labels of letters, digits and inner hyphens. */
const ATOM = /[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+/u.source;
const LABEL = /[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?/u.source;
const EMAIL = new RegExp(`^${ATOM}(?:\\.${ATOM})*@${LABEL}(?:\\.${LABEL})+$`, 'u');

function isLonger(text: string, maxChars: number): boolean {
  return text.length > maxChars && Array.from(text).length > maxChars;
}

/** What is wrong with a text that stands in a field, or null. Characters are counted as code points, as Stripe does. */
function textMistake(text: string, maxChars: number): { code: string; message: string } | null {
  if (/\p{Cs}/u.test(text)) return { code: 'not_unicode', message: 'It holds half of a surrogate pair.' };
  if (/\p{Cc}/u.test(text))
    return { code: 'control_character', message: 'Control characters are not allowed.' };
  if (isLonger(text, maxChars))
    return { code: 'too_long', message: `At most ${maxChars} characters are allowed.` };
  return null;
}

function emailMistake(text: string): { code: string; message: string } | null {
  const mistake = textMistake(text, EMAIL_MAX_CHARS);
  if (mistake !== null || text === '' || EMAIL.test(text)) return mistake;
  return {
    code: 'email_invalid',
    message: 'This is not an e-mail address that Stripe accepts: one @, a dot behind it, no space.',
  };
}

/** Surrounding white space is dropped, the empty text is no value; all else stays as the caller wrote it. */
function textField(
  maxChars: number,
  mistakeIn: (trimmed: string) => { code: string; message: string } | null,
  about: object,
) {
  return z
    .string({ error: 'It must be a string or null.' })
    .meta({ maxLength: maxChars, ...about })
    .transform((raw, context) => {
      const trimmed = raw.trim();
      const mistake = mistakeIn(trimmed);
      if (mistake !== null) {
        context.addIssue({ code: 'custom', message: mistake.message, params: { code: mistake.code } });
        return z.NEVER;
      }
      return trimmed === '' ? null : trimmed;
    })
    .nullable()
    .optional();
}

/** Sent back by clients that change what they read; ignored. */
const READ_ONLY = Object.fromEntries(
  ['id', 'version', 'created_at', 'updated_at', 'deleted_at', 'sync'].map((name) => [
    name,
    z.unknown().optional().meta({ readOnly: true, description: 'Ignored on write.' }),
  ]),
);

const FIELDS = {
  name: textField(NAME_MAX_CHARS, (trimmed) => textMistake(trimmed, NAME_MAX_CHARS), {
    description: 'Trimmed; the empty text is null.',
    examples: ['Ann Lee'],
  }),
  email: textField(EMAIL_MAX_CHARS, emailMistake, {
    format: 'email',
    description: 'Trimmed; the empty text is null. Refused here if Stripe would refuse it.',
    examples: ['ann@example.com'],
  }),
};

export const WRONG_TYPE = { error: 'The body must be a JSON object.' };

export interface CustomerFields {
  readonly name: string | null;
  readonly email: string | null;
}

/** `POST /customers`: at least one of the two fields has a value. A missing field is undefined, so that an update keeps it. */
export const newCustomerInput = z
  .strictObject({ ...FIELDS, ...READ_ONLY }, WRONG_TYPE)
  .meta({ id: 'NewCustomer', description: 'Needs `name` or `email`.' })
  .transform(({ name, email }, context): Partial<CustomerFields> => {
    if ((name ?? null) === null && (email ?? null) === null) {
      context.addIssue({
        code: 'custom',
        message: 'A customer needs a name or an e-mail.',
        params: { code: 'name_or_email_needed' },
      });
    }
    return given({ name, email });
  });

/** `PATCH /customers/{id}`: a JSON merge patch; null clears. */
export const customerPatchInput = z
  .strictObject({ ...FIELDS, ...READ_ONLY }, WRONG_TYPE)
  .meta({
    id: 'CustomerPatch',
    description: 'A JSON merge patch (RFC 7396): null clears, what is missing stays.',
  })
  .transform(({ name, email }): Partial<CustomerFields> => given({ name, email }));

function given(fields: {
  name: string | null | undefined;
  email: string | null | undefined;
}): Partial<CustomerFields> {
  return {
    ...(fields.name === undefined ? {} : { name: fields.name }),
    ...(fields.email === undefined ? {} : { email: fields.email }),
  };
}

const time = z.iso.datetime({ precision: 3 }).meta({ description: 'RFC 3339, UTC, milliseconds.' });

/** One customer as it stands, for readers of the document: examples that fit together are not made from single fields. */
const EXAMPLE_SYNC = {
  connection: 'stripe',
  remote_id: 'cus_NffrFeUfNV2Hib',
  state: 'in_sync',
  synced_version: 2,
  last_synced_at: '2026-01-02T03:04:06.120Z',
  possible_duplicate: false,
  reason: null,
} as const;
const EXAMPLE = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  name: 'Ann Lee',
  email: 'ann@example.com',
  version: 2,
  created_at: '2026-01-01T09:30:00.000Z',
  updated_at: '2026-01-02T03:04:05.678Z',
  sync: [EXAMPLE_SYNC],
};
/** As a POST answers: nothing was sent yet. */
export const CREATED_EXAMPLE = {
  ...EXAMPLE,
  version: 1,
  updated_at: EXAMPLE.created_at,
  sync: [{ ...EXAMPLE_SYNC, remote_id: null, state: 'pending', synced_version: null, last_synced_at: null }],
};
const EXAMPLE_REASON = {
  code: 'rejected',
  ...REASONS.rejected,
  field: 'email',
  detail: 'email_invalid (req_8Ywzv5W8mZ0Xq1)',
  since: '2026-01-02T03:04:06.120Z',
} as const;

export const reasonBody = z
  .object({
    code: z.enum(REASON_CODES),
    message: z.string().meta({ description: 'What is the matter.' }),
    action: z.string().meta({ description: 'What a person can do about it.' }),
    field: z
      .string()
      .nullable()
      .meta({ description: 'The field it is about; several are separated by commas.' }),
    detail: z.string().nullable().meta({ description: "The system's own code and request id." }),
    since: time.nullable(),
  })
  .meta({ id: 'Reason', description: 'Why a customer is not in sync.', examples: [EXAMPLE_REASON] });

export const syncEntryBody = z
  .object({
    connection: z.string(),
    remote_id: z.string().nullable(),
    state: z.enum(SYNC_STATES),
    synced_version: z
      .int()
      .nullable()
      .meta({ description: 'The last version that stood alike on both sides.' }),
    last_synced_at: time.nullable(),
    possible_duplicate: z.boolean().meta({
      description: 'It was born there with an e-mail that another customer here had: maybe one person twice.',
    }),
    reason: reasonBody.nullable(),
  })
  .meta({
    id: 'SyncEntry',
    description: 'Where a customer stands at one connection.',
    examples: [EXAMPLE_SYNC],
  });

export const customerBody = z
  .object({
    id: z.uuid(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    version: z.int().meta({ description: 'Counts the changes of name and e-mail; the ETag holds it.' }),
    created_at: time,
    updated_at: time,
    deleted_at: time.optional().meta({ description: 'Only on deleted customers.' }),
    sync: z.array(syncEntryBody).meta({ description: 'One entry per connection.' }),
  })
  .meta({ id: 'Customer', examples: [EXAMPLE] });

export type CustomerBody = z.output<typeof customerBody>;
