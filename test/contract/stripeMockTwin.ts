/** A server that puts every request to two others, byte by byte, hands on the first one's answer, and keeps both. */
import http from 'node:http';

export interface Said {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

export interface Pair {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Query and body, as sent. */
  readonly params: string;
  readonly first: Said;
  readonly second: Said;
}

export interface Twin {
  readonly url: string;
  /** The pairs since the last call. */
  take(): Pair[];
  stop(): Promise<void>;
}

function put(origin: string, incoming: http.IncomingMessage, body: Buffer): Promise<Said> {
  const { host: _host, connection: _connection, ...headers } = incoming.headers;
  return new Promise((resolve, reject) => {
    const request = http.request(
      origin + (incoming.url ?? '/'),
      { method: incoming.method, headers, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

export async function startTwin(firstUrl: string, secondUrl: string): Promise<Twin> {
  let pairs: Pair[] = [];
  async function pass(
    incoming: http.IncomingMessage,
    body: Buffer,
    answer: http.ServerResponse,
  ): Promise<void> {
    const { pathname, search } = new URL(incoming.url ?? '/', 'http://twin');
    const [first, second] = await Promise.all([
      put(firstUrl, incoming, body),
      put(secondUrl, incoming, body),
    ]);
    const params = `${search.slice(1)}${body.toString('utf8')}`;
    pairs.push({ method: incoming.method ?? '', path: pathname, params, first, second });
    const { 'content-length': _length, connection: _connection, ...headers } = first.headers;
    answer.writeHead(first.status, headers).end(first.text);
  }
  const server = http.createServer((incoming, answer) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      // On a failure the caller sees a cut connection, and its test fails.
      pass(incoming, Buffer.concat(chunks), answer).catch((error: Error) => answer.destroy(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The twin has no TCP port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    take: () => {
      const taken = pairs;
      pairs = [];
      return taken;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
