import { z } from 'zod';
import { Problem } from './problem';
import type { InputError } from './problem';

function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** A field's name as the caller wrote it; a very long one is cut, it is only there to be recognised. */
const SHOWN_NAME_MAX_CHARS = 64;

/** How a name that is not known is answered. */
type Unknown = Pick<InputError, 'code' | 'detail'>;

const UNKNOWN_FIELD: Unknown = {
  code: 'unknown_field',
  detail: 'There is no such field here. /docs lists those there are.',
};

function errorsOf(issue: z.core.$ZodIssue, unknown: Unknown): InputError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointer([...issue.path, key.slice(0, SHOWN_NAME_MAX_CHARS)]),
      ...unknown,
    }));
  }
  const named = issue.code === 'custom' ? issue.params?.['code'] : undefined;
  const code = typeof named === 'string' ? named : issue.code;
  return [{ pointer: pointer(issue.path), code, detail: issue.message }];
}

/** @throws Problem 422 naming every field that is wrong, and why */
export function parseBody<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new Problem('invalid', 'See `errors` for each field and what is wrong with it.', {
    errors: result.error.issues.flatMap((issue) => errorsOf(issue, UNKNOWN_FIELD)),
  });
}

/** Undoes percent-encoding. @throws Problem 400 where it is not valid UTF-8 */
function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new Problem('query_invalid', 'The query is not percent-encoded UTF-8: send e.g. %40 for @.');
  }
}

/** Express's own parser lets bad encoding and repeated names through, so the query is read from the address itself. */
function readQuery(url: string): Record<string, string> {
  const start = url.indexOf('?');
  const pairs =
    start < 0
      ? []
      : url
          .slice(start + 1)
          .split('&')
          .filter((pair) => pair !== '');
  const query = new Map<string, string>();
  for (const pair of pairs) {
    const [name = '', ...rest] = pair.split('=');
    const key = decode(name);
    if (query.has(key)) {
      throw new Problem('query_invalid', 'A parameter is given twice. Send it once.', {
        errors: [
          { pointer: key.slice(0, SHOWN_NAME_MAX_CHARS), code: 'repeated', detail: 'It may be given once.' },
        ],
      });
    }
    query.set(key, decode(rest.join('=')));
  }
  return Object.fromEntries(query);
}

/** @throws Problem 400 naming every parameter that is wrong, and why */
export function parseQuery<T extends z.ZodObject>(schema: T, url: string): z.output<T> {
  const result = schema.safeParse(readQuery(url));
  if (result.success) return result.data;
  const known = Object.keys(schema.shape).join(', ');
  const unknown = {
    code: 'unknown_parameter',
    detail: `There is no such parameter here. There is: ${known}.`,
  };
  throw new Problem('query_invalid', 'See `errors` for each parameter and what is wrong with it.', {
    errors: result.error.issues
      .flatMap((issue) => errorsOf(issue, unknown))
      .map((error) => ({ ...error, pointer: error.pointer.replace(/^\//, '') })),
  });
}
