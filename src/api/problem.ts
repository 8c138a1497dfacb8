import type { ServerResponse } from 'node:http';

/** Every problem the API answers with: its status and its title. The code is what a client should switch on. */
export const PROBLEMS = {
  ambiguous: [409, 'Several customers have this e-mail'],
  body_malformed: [400, 'The body is not valid JSON in UTF-8'],
  body_missing: [400, 'A JSON body is needed'],
  body_too_large: [413, 'The body is too large'],
  conflict_applied: [409, 'This value was applied already'],
  conflict_closed: [409, 'This question answered itself'],
  conflict_moved: [409, 'The values changed meanwhile'],
  cross_site: [403, 'A web page of another site may not do this'],
  customer_deleted: [410, 'The customer was deleted'],
  customer_exists: [409, 'A customer with this e-mail exists'],
  cursor_invalid: [400, 'The cursor is not one of ours'],
  host_refused: [403, 'This host name is not served'],
  idempotency_key_in_use: [409, 'A request with this Idempotency-Key is still running'],
  idempotency_key_malformed: [400, 'The Idempotency-Key is malformed'],
  idempotency_key_reused: [422, 'This Idempotency-Key belongs to another request'],
  expectation: [417, 'This Expect header cannot be met'],
  headers_too_large: [431, 'The headers are too large'],
  if_match_malformed: [400, 'The If-Match header is malformed'],
  if_match_weak: [412, 'A weak tag never matches'],
  internal: [500, 'Something went wrong here'],
  invalid: [422, 'Some fields are not valid'],
  media_type: [415, 'The content type is not accepted'],
  method: [405, 'The method is not allowed here'],
  not_found: [404, 'Nothing stands at this address'],
  query_invalid: [400, 'The query is not valid'],
  refused_by_database: [422, 'A rule of the database refuses this'],
  request_malformed: [400, 'The request is malformed'],
  request_timeout: [408, 'The request did not arrive in time'],
  restore_first: [409, 'The customer was deleted and must come back first'],
  resume_refused: [409, 'The connection cannot be resumed yet'],
  sweep_running: [409, 'A sweep of this connection is running'],
  unauthorized: [401, 'A valid API key is needed'],
  unavailable: [503, 'The database cannot be reached now'],
  version: [412, 'The customer changed meanwhile'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing wrong with the input. `pointer` is a JSON Pointer into the body, or the name of a query parameter. */
export interface InputError {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/** Ends a request with `application/problem+json` (RFC 9457). Texts never quote input: it may be personal data. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;

  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly more: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly errors?: readonly InputError[];
      /** Further members of the problem, e.g. `matches`. */
      readonly members?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(`${code}: ${detail}`);
    this.status = PROBLEMS[code][0];
  }
}

const REQUEST_ID = 'Request-Id';

interface ProblemParts {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail?: string | undefined;
  readonly members?: object;
}

/** The problem as it goes out. */
export function problemText(problem: ProblemParts, requestId: string | null): string {
  const { status, code, title, detail, members } = problem;
  return JSON.stringify({
    type: `urn:counterpart:problem:${code}`,
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(requestId === null ? {} : { instance: `urn:counterpart:request:${requestId}` }),
    code,
    ...members,
  });
}

/** Writes the problem. For codes outside the table (a webhook's refusal) as well. */
function writeProblem(response: ServerResponse, problem: ProblemParts): void {
  const requestId = response.getHeader(REQUEST_ID);
  response.statusCode = problem.status;
  response.setHeader('Content-Type', 'application/problem+json');
  response.end(problemText(problem, requestId === undefined ? null : String(requestId)));
}

export function sendProblem(response: ServerResponse, problem: Problem): void {
  for (const [name, value] of Object.entries(problem.more.headers ?? {})) response.setHeader(name, value);
  const { errors, members } = problem.more;
  writeProblem(response, {
    status: problem.status,
    code: problem.code,
    title: PROBLEMS[problem.code][1],
    detail: problem.detail,
    members: { ...(errors === undefined ? {} : { errors }), ...members },
  });
}

/** A refusal for handlers that are not the API's own (the webhook receiver). Says no more than its title. */
export function refuse(response: ServerResponse, status: number, code: string, title: string): void {
  writeProblem(response, { status, code, title });
}
