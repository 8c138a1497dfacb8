import http from 'node:http';
import https from 'node:https';
import StripeSdk from 'stripe';

/** More than the largest page Stripe can answer: 100 customers, each with 50 metadata values of 500 characters. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;
/** Sockets to one server. The connection's rate limit is reached far below this; it only bounds a mistake. */
const SOCKETS_MAX = 64;
/** A socket idle for longer is closed by us before the other side does, so that a call rarely meets a dead one. */
const IDLE_SOCKET_MS = 30_000;

/**
 * What of the SDK's request goes on the wire. The rest (platform, run-time version, the name of a tool found in the
 * environment, timings of earlier calls) is telemetry about the machine we run on.
 */
const HEADERS_SENT: ReadonlySet<string> = new Set([
  'accept',
  'authorization',
  'content-length',
  'content-type',
  'idempotency-key',
  'stripe-version',
]);

/**
 * What of the answer is handed on. `stripe-notice` is not: the SDK would print it as a process warning, and a server's
 * free text has no place in our logs.
 */
const HEADERS_READ: readonly string[] = [
  'idempotent-replayed',
  'request-id',
  'retry-after',
  'stripe-rate-limited-reason',
  'stripe-should-retry',
  'stripe-version',
];

/** Headers of an answer by lower-case name, reduced to `HEADERS_READ`. */
export type AnswerHeaders = Readonly<Record<string, string>>;

/**
 * The call gave no answer we can use. `code` names why and holds no text of the other side: a system error such as
 * `ECONNREFUSED`, or `deadline`, `truncated`, `too_large`, `not_json`, `not_stripe`.
 *
 * The property is deliberately not called `code` where the SDK would look for it: whatever `maxNetworkRetries` says, the
 * SDK repeats a request once when it meets a `code` of ECONNRESET or EPIPE (stripe-node, RequestSender `_shouldRetry`).
 * A second attempt must be the decision of the look, which has the intent on record.
 */
export class NoUsableAnswer extends Error {
  constructor(
    readonly why: string,
    readonly status: number | null = null,
    readonly headers: AnswerHeaders = {},
  ) {
    super(`No usable answer: ${why}`);
  }
}

interface Exchange {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly contentType: string | null;
  readonly body: Buffer;
}

/**
 * The SDK's way to the network: one attempt, to one server, inside one deadline that covers everything from the look-up
 * of the name to the last byte of the body (the SDK's own time-out counts only silence, so a slow drip would never end).
 * Only a JSON object that can be Stripe's reaches the SDK: a 2xx, or a 4xx/5xx with an `error` in it. Anything else
 * rejects with `NoUsableAnswer` (the SDK takes a 404 without `error` for a success, and dies of a body that is a string).
 */
export class OneAttempt implements StripeSdk.HttpClient {
  private readonly agent: http.Agent;
  private readonly request: typeof http.request;

  /** @param base the server, with an optional path prefix that is put before every path; no trailing slash. */
  constructor(private readonly base: URL) {
    const secure = base.protocol === 'https:';
    const options = { keepAlive: true, maxSockets: SOCKETS_MAX, timeout: IDLE_SOCKET_MS };
    this.agent = secure ? new https.Agent(options) : new http.Agent(options);
    this.request = secure ? https.request : http.request;
  }

  getClientName(): string {
    return 'node';
  }

  async makeRequest(
    _host: string,
    _port: string,
    path: string,
    method: string,
    headers: object,
    requestData: string,
    _protocol: string,
    timeoutMs: number,
  ): Promise<StripeSdk.HttpClientResponse> {
    const exchange = await this.exchange(method, path, headersSent(headers), requestData, timeoutMs);
    const value = stripeObject(exchange);
    const { status } = exchange;
    return {
      getStatusCode: () => status,
      getHeaders: () => exchange.headers,
      getRawResponse: () => ({ statusCode: status, headers: exchange.headers }),
      toStream: () => {
        throw new Error('Streams are not used by this connector');
      },
      toJSON: () => Promise.resolve(value),
    };
  }

  private exchange(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string,
    timeoutMs: number,
  ): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      const request = this.request({
        // An IPv6 address stands in brackets in a URL and without them in a socket's address.
        host: this.base.hostname.replace(/^\[|\]$/g, ''),
        port: this.base.port === '' ? undefined : this.base.port,
        path: this.base.pathname.replace(/\/$/, '') + path,
        method,
        agent: this.agent,
        headers,
      });
      const deadline = setTimeout(() => fail(new NoUsableAnswer('deadline')), timeoutMs);
      const fail = (reason: Error): void => {
        clearTimeout(deadline);
        reject(reason instanceof NoUsableAnswer ? reason : new NoUsableAnswer(systemCode(reason)));
        request.destroy();
      };
      request.on('error', fail);
      request.on('response', (answer) => {
        const status = answer.statusCode ?? 0;
        const picked = headersRead(answer.headers);
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > BODY_MAX_BYTES) fail(new NoUsableAnswer('too_large', status, picked));
          else chunks.push(chunk);
        });
        const truncated = (): void => fail(new NoUsableAnswer('truncated', status, picked));
        answer.on('error', truncated);
        answer.on('close', () => {
          if (!answer.complete) truncated();
        });
        answer.on('end', () => {
          if (!answer.complete) return;
          clearTimeout(deadline);
          const contentType = answer.headers['content-type'] ?? null;
          resolve({ status, headers: picked, contentType, body: Buffer.concat(chunks) });
        });
      });
      request.end(method === 'POST' ? body : undefined);
    });
  }
}

function headersSent(headers: object): Record<string, string> {
  const sent = Object.entries(headers).filter(([name]) => HEADERS_SENT.has(name.toLowerCase()));
  return {
    ...Object.fromEntries(sent.map(([name, value]) => [name, String(value)])),
    'User-Agent': `Stripe/v1 NodeBindings/${StripeSdk.PACKAGE_VERSION}`,
  };
}

function headersRead(headers: http.IncomingHttpHeaders): AnswerHeaders {
  const read: Record<string, string> = {};
  for (const name of HEADERS_READ) {
    const value = headers[name];
    if (typeof value === 'string') read[name] = value;
  }
  return read;
}

/** A system error's own code (`ECONNREFUSED`, `CERT_HAS_EXPIRED`); its message would name addresses. */
function systemCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'connection_failed';
}

function stripeObject({ status, headers, contentType, body }: Exchange): object {
  // A body without a content type is tried all the same: small Stripe-compatible servers forget it.
  if (contentType !== null && !/json/i.test(contentType))
    throw new NoUsableAnswer('not_json', status, headers);
  const value = parseJson(body);
  if (value === undefined) throw new NoUsableAnswer('not_json', status, headers);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new NoUsableAnswer('not_stripe', status, headers);
  }
  const error: unknown = 'error' in value ? value.error : undefined;
  const hasError = typeof error === 'string' || (typeof error === 'object' && error !== null);
  const usable = status >= 400 ? hasError : status >= 200 && status < 300 && error === undefined;
  if (!usable) throw new NoUsableAnswer('not_stripe', status, headers);
  return value;
}

/** @returns undefined when it is not JSON. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // The parser's message quotes the body and goes no further.
    return undefined;
  }
}
