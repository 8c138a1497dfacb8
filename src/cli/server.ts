/** One HTTP client for all commands: the API's answer, or a `Failed` with what a person can do about it. */

const TIMEOUT_MS = 15_000;
const DEFAULT_URL = 'http://127.0.0.1:3000';

/** The command could not be done; `message` is for a person. */
export class Failed extends Error {
  override readonly name = 'Failed';
  constructor(
    message: string,
    /** The API's problem, where it sent one. */
    readonly problem: unknown = null,
    readonly status: number | null = null,
  ) {
    super(message);
  }
}

export interface Server {
  readonly url: string;
  get(path: string): Promise<unknown>;
  post(path: string, body?: object): Promise<unknown>;
}

interface ProblemText {
  readonly code?: unknown;
  readonly title?: unknown;
  readonly detail?: unknown;
}

/** A title that only says 404 in words would send a person looking for a wrong address. */
function saidBy(problem: ProblemText): string {
  const title = problem.code === 'not_found' ? null : problem.title;
  return [title, problem.detail]
    .filter((text) => typeof text === 'string')
    .map((text) => (/[.!?]$/.test(text) ? text : `${text}.`))
    .join(' ');
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href.replace(/\/$/, '');
  throw new Failed(`COUNTERPART_URL must be an address like ${DEFAULT_URL}.`);
}

async function parse(response: Response, url: string): Promise<unknown> {
  const text = await response.text();
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    throw new Failed(`What answers at ${url} is not Counterpart. Set COUNTERPART_URL to its address.`);
  }
}

/** @throws Failed when COUNTERPART_URL is malformed */
export function connectTo(env: Readonly<Record<string, string | undefined>>): Server {
  const url = parseUrl(env['COUNTERPART_URL'] || DEFAULT_URL);
  const key = env['COUNTERPART_API_KEY'] || null;

  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const headers: Record<string, string> = {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    let response: Response;
    try {
      response = await fetch(url + path, {
        method,
        headers,
        ...sent,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      // fetch says no more than "fetch failed", whatever the reason.
      throw new Failed(
        `Nobody answers at ${url}. Is it running (npm start)? If it runs elsewhere, set COUNTERPART_URL; the start prints it.`,
      );
    }
    const answer = await parse(response, url);
    if (response.ok) return answer;
    const what =
      response.status === 401
        ? 'The API asks for a key: set COUNTERPART_API_KEY to one of its API_KEYS.'
        : saidBy(answer ?? {}) || `The API answered ${response.status}.`;
    throw new Failed(what, answer, response.status);
  }

  return { url, get: (path) => call('GET', path), post: (path, body) => call('POST', path, body) };
}
