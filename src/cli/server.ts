/** One HTTP client for all commands: the API's answer, or a `Failed` with what a person can do about it. */
import http from 'node:http';
import https from 'node:https';

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

/** The API's hints name its routes; here the same is a command. */
const COMMANDS: ReadonlyArray<readonly [route: RegExp, command: string]> = [
  [/GET \/connections lists/, '`status` lists'],
  [/GET \/customers\/\{id\}\/conflicts lists/, '`show <id>` lists'],
  [/POST \/customers\/([0-9a-f-]+)\/restore/, '`restore $1`'],
  [/GET \/sweeps lists/, '`sweeps` lists'],
  [/ GET \/customers lists them\./, ''],
];

function asCommands(text: string): string {
  return COMMANDS.reduce((words, [route, command]) => words.replace(route, command), text);
}

/** A title that only says 404 in words would send a person looking for a wrong address. */
function saidBy(problem: ProblemText): string {
  const title = problem.code === 'not_found' ? null : problem.title;
  return [title, problem.detail]
    .filter((text) => typeof text === 'string')
    .map((text) => asCommands(/[.!?]$/.test(text) ? text : `${text}.`))
    .join(' ');
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href.replace(/\/$/, '');
  throw new Failed(`COUNTERPART_URL must be an address like ${DEFAULT_URL}.`);
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Sending {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/**
 * One request on a connection of its own. Not by `fetch`: where the peer hangs up at once, that of Node 20 never settles,
 * and a process with nothing else to wait for would end as if all were well.
 * @throws Failed when nobody answers, or the answer breaks off
 */
function exchange(server: string, path: string, { method, headers, body }: Sending): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let begun = false;
    const client = server.startsWith('https:') ? https : http;
    const request = client.request(server + path, { method, headers, agent: false }, (response) => {
      begun = true;
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', fail);
      response.on('end', () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') });
      });
    });
    function fail(): void {
      clearTimeout(timer);
      // The error's own words (ECONNREFUSED, aborted) say no more than these.
      const what = begun
        ? `The answer from ${server} broke off, so whether it was done is not known. Look with \`status\` or \`show\`, then try again.`
        : `Nobody answers at ${server}. Is it running (npm start)? If it runs elsewhere, set COUNTERPART_URL; the start prints it.`;
      reject(new Failed(what));
    }
    // A timer that keeps the process alive: it must not end before there is an answer to report.
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), TIMEOUT_MS);
    request.on('error', fail);
    request.end(body);
  });
}

function parse(text: string, url: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    throw new Failed(`What answers at ${url} is not Counterpart. Set COUNTERPART_URL to its address.`);
  }
}

/** @throws Failed when COUNTERPART_URL or COUNTERPART_API_KEY is malformed */
export function connectTo(env: Readonly<Record<string, string | undefined>>): Server {
  const url = parseUrl(env['COUNTERPART_URL'] || DEFAULT_URL);
  const key = env['COUNTERPART_API_KEY'] || null;
  if (key !== null && !/^[\x21-\x7e]+$/.test(key)) {
    throw new Failed('COUNTERPART_API_KEY holds a character that no key can have. Copy it anew.');
  }

  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const { status, text } = await exchange(url, path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: sent,
    });
    const answer = parse(text, url);
    if (status >= 200 && status < 300) return answer;
    const what =
      status === 401
        ? 'The API asks for a key: set COUNTERPART_API_KEY to one of its API_KEYS.'
        : saidBy(answer ?? {}) || `The API answered ${status}.`;
    throw new Failed(what, answer, status);
  }

  return { url, get: (path) => call('GET', path), post: (path, body) => call('POST', path, body) };
}
