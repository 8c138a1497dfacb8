/**
 * A server that answers as a test tells it and writes down what it heard, for what a well-behaved one never does:
 * hang, reset, drip, lie. Used by tests only.
 */
import http from 'node:http';

export interface Heard {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: http.IncomingHttpHeaders;
  /** Form fields by their encoded name, e.g. `metadata[mark]`, and the query's. */
  readonly params: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export type Script = (response: http.ServerResponse, heard: Heard, number: number) => void;

export interface Wire {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** How the next requests are answered; `number` counts all requests from 1. */
  answer(script: Script): void;
  /** Resolves with the next request. */
  next(): Promise<Heard>;
  stop(): Promise<void>;
}

export async function startWire(): Promise<Wire> {
  const heard: Heard[] = [];
  const waiting: ((heard: Heard) => void)[] = [];
  let script: Script = json(200, {});
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://wire');
      const body = Buffer.concat(chunks);
      const form = new URLSearchParams(body.toString('utf8'));
      const params = Object.fromEntries([...url.searchParams, ...form]);
      const one = {
        method: request.method ?? '',
        path: url.pathname,
        headers: request.headers,
        params,
        body,
      };
      heard.push(one);
      waiting.splice(0).forEach((resolve) => resolve(one));
      script(response, one, heard.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The wire has no TCP port');
  const { port } = address;
  return {
    url: `http://127.0.0.1:${port}`,
    heard,
    answer: (next) => {
      script = next;
    },
    next: () => new Promise((resolve) => waiting.push(resolve)),
    stop: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

/** Answers as Stripe does. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Script {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_wire', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Answers with bytes as they are. */
export function raw(status: number, contentType: string, body: string): Script {
  return (response) => {
    response.writeHead(status, { 'content-type': contentType });
    response.end(body);
  };
}
