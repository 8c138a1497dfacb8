import { z } from 'zod';
import { createDocument } from 'zod-openapi';
import type {
  ZodOpenApiOperationObject,
  ZodOpenApiPathsObject,
  ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { appliedBody, applyInput, conflictListBody } from './conflicts';
import { allowedBody, connectionBody, connectionListBody } from './connections';
import { onDuplicateChangeQuery, onDuplicateQuery } from './customers/duplicates';
import { listBody, listQuery } from './customers/list';
import {
  CREATED_EXAMPLE,
  customerBody,
  customerPatchInput,
  newCustomerInput,
  syncEntryBody,
} from './customers/shapes';
import { PROBLEMS } from './problem';
import type { ProblemCode } from './problem';
import { statusBody, statusQuery } from './status';
import { sweepBody, sweepInput, sweepListBody, sweepReportBody } from './sweeps';
import { timelineBody, timelineQuery } from './timeline';

/** The document `/openapi.json` answers with, made from the schemas that validate. */

const problemBody = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z
      .string()
      .optional()
      .meta({ description: 'Names the request, as the header Request-Id does.' }),
    code: z
      .enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]])
      .meta({ description: 'What a program should switch on.' }),
    errors: z
      .array(
        z.object({
          pointer: z
            .string()
            .meta({ description: 'JSON Pointer into the body, or the name of a query parameter.' }),
          code: z.string(),
          detail: z.string(),
        }),
      )
      .optional(),
    matches: z
      .array(z.object({ id: z.uuid(), href: z.string() }))
      .optional()
      .meta({ description: 'customer_exists and ambiguous: the customers that have this e-mail.' }),
    sweep: z.uuid().optional().meta({ description: 'sweep_running: the one that runs.' }),
    deleted_at: z.iso.datetime().optional().meta({ description: 'customer_deleted.' }),
    sync: z.array(syncEntryBody).optional().meta({ description: 'customer_deleted.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' });

const requestId = z.string().meta({ header: { id: 'RequestId' }, description: 'Names the request in logs.' });
const etag = z.string().meta({ header: { id: 'ETag' }, description: 'The version in quotes, for If-Match.' });
const location = z.string().meta({ description: 'Where what was made stands.' });
const replayed = z
  .literal('true')
  .optional()
  .meta({ description: 'The answer kept under the Idempotency-Key.' });
const next = z.string().optional().meta({ description: 'The next page, rel="next".' });

const TEXT = { content: { 'text/plain': { schema: z.string() } } };
const id = z.object({ id: z.uuid().meta({ description: 'The customer.' }) });
const name = z.object({ name: z.string().meta({ description: 'The connection.' }) });
const keyHeader = z.object({
  'Idempotency-Key': z.string().optional().meta({
    description:
      'Any name for this request, e.g. a UUID. Sent again within 24 h, the same request gets the same answer.',
  }),
});
const matchHeader = z.object({
  'If-Match': z.string().optional().meta({ description: 'The ETag of the version that is meant.' }),
});

type Headers = Record<string, z.ZodType>;

function ok(schema: z.ZodType, description: string, headers: Headers = {}, example?: object) {
  return {
    description,
    headers: z.object({ 'Request-Id': requestId, ...headers }),
    content: { 'application/json': { schema, ...(example === undefined ? {} : { example }) } },
  };
}

/** The problems of one operation by status, with the codes each may carry. */
function problems(codes: readonly ProblemCode[]): ZodOpenApiResponsesObject {
  const always: readonly ProblemCode[] = ['unauthorized', 'unavailable'];
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of [...codes, ...always]) {
    const [status] = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, named]) => [
      String(status),
      {
        description: named.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}.`).join(' '),
        content: { 'application/problem+json': { schema: problemBody } },
      },
    ]),
  );
}

const BODY_CODES = [
  'body_malformed',
  'body_missing',
  'body_too_large',
  'media_type',
  'invalid',
  'refused_by_database',
] as const;
const KEY_CODES = ['idempotency_key_malformed', 'idempotency_key_in_use', 'idempotency_key_reused'] as const;
const GONE_CODES = ['not_found', 'customer_deleted'] as const;
const MATCH_CODES = ['if_match_malformed', 'if_match_weak', 'version'] as const;

const customers: ZodOpenApiPathsObject = {
  '/customers': {
    post: {
      tags: ['Customers'],
      summary: 'Create a customer',
      requestParams: { query: onDuplicateQuery, header: keyHeader },
      requestBody: { required: true, content: { 'application/json': { schema: newCustomerInput } } },
      responses: {
        201: ok(
          customerBody,
          'Created.',
          { Location: location, ETag: etag, 'Idempotent-Replayed': replayed },
          CREATED_EXAMPLE,
        ),
        200: ok(customerBody, 'on_duplicate=update: the customer that was there.', {
          ETag: etag,
          'Idempotent-Replayed': replayed,
        }),
        ...problems([...BODY_CODES, ...KEY_CODES, 'query_invalid', 'customer_exists', 'ambiguous']),
      },
    },
    get: {
      tags: ['Customers'],
      summary: 'List customers, newest first',
      requestParams: { query: listQuery },
      responses: {
        200: ok(listBody, 'One page.', { Link: next }),
        ...problems(['query_invalid', 'cursor_invalid']),
      },
    },
  },
  '/customers/{id}': {
    get: {
      tags: ['Customers'],
      summary: 'Read a customer',
      requestParams: { path: id },
      responses: { 200: ok(customerBody, 'The customer.', { ETag: etag }), ...problems(GONE_CODES) },
    },
    patch: {
      tags: ['Customers'],
      summary: 'Change a customer',
      requestParams: { path: id, query: onDuplicateChangeQuery, header: matchHeader },
      requestBody: {
        required: true,
        content: {
          'application/merge-patch+json': { schema: customerPatchInput },
          'application/json': { schema: customerPatchInput },
        },
      },
      responses: {
        200: ok(customerBody, 'Changed.', { ETag: etag }),
        ...problems([...BODY_CODES, ...GONE_CODES, ...MATCH_CODES, 'query_invalid', 'customer_exists']),
      },
    },
    delete: {
      tags: ['Customers'],
      summary: 'Delete a customer',
      requestParams: { path: id, header: matchHeader },
      responses: {
        204: { description: 'Deleted, now or earlier.' },
        ...problems(['not_found', ...MATCH_CODES]),
      },
    },
  },
  '/customers/{id}/restore': {
    post: {
      tags: ['Customers'],
      summary: 'Bring a deleted customer back',
      requestParams: { path: id, query: onDuplicateChangeQuery, header: keyHeader },
      responses: {
        200: ok(customerBody, 'The customer.', { ETag: etag, 'Idempotent-Replayed': replayed }),
        ...problems([...KEY_CODES, 'not_found', 'query_invalid', 'customer_exists']),
      },
    },
  },
  '/customers/{id}/sync': {
    post: {
      tags: ['Customers'],
      summary: 'Look again now',
      requestParams: { path: id },
      responses: {
        202: ok(z.object({ id: z.uuid(), sync: z.array(syncEntryBody) }), 'Queued.'),
        ...problems(['not_found']),
      },
    },
  },
};

const timeline: ZodOpenApiPathsObject = {
  '/customers/{id}/timeline': {
    get: {
      tags: ['Customers'],
      summary: 'List what happened to a customer, newest first',
      description: 'Also of a deleted customer. Kept for 35 days; of a busy customer the newest 500 entries.',
      requestParams: { path: id, query: timelineQuery },
      responses: {
        200: ok(timelineBody, 'One page.', { Link: next }),
        ...problems(['not_found', 'query_invalid', 'cursor_invalid']),
      },
    },
  },
};

const conflicts: ZodOpenApiPathsObject = {
  '/customers/{id}/conflicts': {
    get: {
      tags: ['Customers'],
      summary: 'List the values that lost, newest first',
      requestParams: { path: id },
      responses: { 200: ok(conflictListBody, 'The values.'), ...problems(['not_found']) },
    },
  },
  '/customers/{id}/conflicts/{cid}/apply': {
    post: {
      tags: ['Customers'],
      summary: 'Take a value that lost, or answer a question',
      requestParams: {
        path: id.extend({ cid: z.uuid().meta({ description: 'The conflict.' }) }),
        query: onDuplicateChangeQuery,
        header: keyHeader,
      },
      requestBody: { required: false, content: { 'application/json': { schema: applyInput } } },
      responses: {
        200: ok(appliedBody, 'Applied; the change is on its way.', { 'Idempotent-Replayed': replayed }),
        ...problems([
          'body_malformed',
          'body_too_large',
          'media_type',
          'invalid',
          'refused_by_database',
          ...KEY_CODES,
          ...GONE_CODES,
          'query_invalid',
          'customer_exists',
          'conflict_applied',
          'conflict_closed',
          'conflict_moved',
          'restore_first',
        ]),
      },
    },
  },
};

const connections: ZodOpenApiPathsObject = {
  '/connections': {
    get: {
      tags: ['Connections'],
      summary: 'List connections',
      responses: { 200: ok(connectionListBody, 'All of them.'), ...problems([]) },
    },
  },
  '/connections/{name}/pause': {
    post: {
      tags: ['Connections'],
      summary: 'Send nothing there until it is resumed',
      requestParams: { path: name },
      responses: { 200: ok(connectionBody, 'Paused.'), ...problems(['not_found']) },
    },
  },
  '/connections/{name}/resume': {
    post: {
      tags: ['Connections'],
      summary: 'Resume a paused connection',
      requestParams: { path: name },
      responses: { 200: ok(connectionBody, 'Resumed.'), ...problems(['not_found', 'resume_refused']) },
    },
  },
  '/connections/{name}/allow-deletes': {
    post: {
      tags: ['Connections'],
      summary: 'Let the deletions that are held go on',
      requestParams: { path: name },
      responses: { 200: ok(allowedBody, 'They go on.'), ...problems(['not_found']) },
    },
  },
};

const sweepId = z.object({ id: z.uuid().meta({ description: 'The sweep.' }) });
const sweeps: ZodOpenApiPathsObject = {
  '/sweeps': {
    get: {
      tags: ['Sweeps'],
      summary: 'List the last sweeps, newest first',
      responses: { 200: ok(sweepListBody, 'Sweeps.'), ...problems([]) },
    },
    post: {
      tags: ['Sweeps'],
      summary: 'Compare everything with another system',
      requestBody: { required: false, content: { 'application/json': { schema: sweepInput } } },
      responses: {
        202: ok(sweepBody, 'Asked for.', { Location: location }),
        ...problems(['body_malformed', 'body_too_large', 'media_type', 'invalid', 'sweep_running']),
      },
    },
  },
  '/sweeps/{id}': {
    get: {
      tags: ['Sweeps'],
      summary: 'What a sweep found, which side had moved, and what became of it',
      requestParams: { path: sweepId },
      responses: { 200: ok(sweepReportBody, 'The drift report.'), ...problems(['not_found']) },
    },
  },
  '/recovered': {
    post: {
      tags: ['Sweeps'],
      summary: 'Say that an older backup of the database was restored',
      description: 'Nothing is sent to any connection until a sweep has read all of it.',
      responses: { 202: ok(sweepListBody, 'The sweeps that this asks for.'), ...problems([]) },
    },
  },
};

const ready = z.object({
  status: z.enum(['ok', 'degraded', 'unavailable']),
  parts: z.record(z.string(), z.string()).meta({ description: 'Per part: `ok`, or what is wrong with it.' }),
});
const open: Pick<ZodOpenApiOperationObject, 'security'> = { security: [] };

const operation: ZodOpenApiPathsObject = {
  '/status': {
    get: {
      tags: ['Status'],
      summary: 'What is not in sync, why, and since when',
      requestParams: { query: statusQuery },
      responses: { 200: ok(statusBody, 'Now.'), ...problems(['query_invalid']) },
    },
  },
  '/metrics': {
    get: {
      tags: ['Status'],
      summary: 'Metrics for Prometheus',
      responses: { 200: { description: 'Now.', ...TEXT }, ...problems([]) },
    },
  },
  '/health/live': {
    get: {
      ...open,
      tags: ['Health'],
      summary: 'Whether the process runs',
      responses: { 200: ok(z.object({ status: z.literal('ok') }), 'It does.') },
    },
  },
  '/health/ready': {
    get: {
      ...open,
      tags: ['Health'],
      summary: 'Whether it can do its job',
      responses: { 200: ok(ready, 'It can; degraded names what is missing.'), 503: ok(ready, 'It cannot.') },
    },
  },
  '/webhooks/{connection}': {
    post: {
      ...open,
      tags: ['Webhooks'],
      summary: 'Hear of a change in the other system',
      description: 'Called by that system, signed with the secret it shares with us.',
      requestParams: { path: z.object({ connection: z.string() }) },
      requestBody: { required: true, content: { 'application/json': { schema: z.unknown() } } },
      responses: {
        200: ok(z.object({ received: z.literal(true) }), 'Stored.'),
        400: { description: 'Refused.' },
        503: { description: 'Not stored; send it again.' },
      },
    },
  },
};

/** In the order in which the page shows them. */
const TAGS = [
  { name: 'Customers', description: 'The records that are kept equal, and the values that lost.' },
  { name: 'Connections', description: 'The accounts of other systems, and their kill switches.' },
  { name: 'Sweeps', description: 'Full comparisons, and what they found that no event told of.' },
  { name: 'Status', description: 'What is not in sync, for people and for Prometheus.' },
  { name: 'Webhooks', description: 'Where other systems tell of changes.' },
  { name: 'Health', description: 'For whoever starts and restarts the process.' },
];

/** What zod adds for its own strictness says nothing to a reader, and answers may gain fields. */
function plain(schema: Record<string, unknown>, io: 'input' | 'output'): void {
  if (io === 'output' && schema['additionalProperties'] === false) delete schema['additionalProperties'];
  if (schema['format'] === 'date-time' || schema['format'] === 'uuid' || schema['type'] === 'integer')
    delete schema['pattern'];
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum'];
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum'];
}

export function openApiDocument() {
  const document: Parameters<typeof createDocument>[0] = {
    openapi: '3.1.0',
    info: {
      title: 'Counterpart',
      version: '1',
      description: "Keeps a product's own customers and those of external systems equal, in both directions.",
    },
    servers: [{ url: '/' }],
    tags: TAGS,
    security: [{ apiKey: [] }],
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'One of API_KEYS.' } },
    },
    paths: { ...customers, ...timeline, ...conflicts, ...connections, ...sweeps, ...operation },
  };
  return createDocument(document, {
    override: ({ jsonSchema, io }) => plain(jsonSchema, io),
  });
}
