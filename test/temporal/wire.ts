/**
 * A wire between workers and a Temporal server that a test holds at any call: before the server hears it, and after the
 * server has done it and nobody has heard the answer. Plain HTTP/2 with unary calls, which is all that workers and clients
 * make of gRPC.
 */
import { once } from 'node:events';
import http2 from 'node:http2';
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

export interface Moment {
  /** e.g. `RespondWorkflowTaskCompleted` */
  readonly method: string;
  readonly when: 'asked' | 'answered';
  /** Length of the answer's message; an empty poll is shorter than one that brings a task. */
  readonly bytes: number;
}

export interface Wire {
  /** host:port */
  readonly address: string;
  /** Called at every moment; the call goes on when it resolves. */
  watch: (moment: Moment) => Promise<void>;
  close(): Promise<void>;
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
  /** Whether there was nothing but headers: an error. */
  readonly bare: boolean;
}

async function bodyOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Fields of the connection itself are not handed on. */
function handedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name !== ':authority' && name !== ':status'),
  );
}

async function forward(
  origin: http2.ClientHttp2Session,
  asking: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  body: Buffer,
): Promise<Answer> {
  const call = origin.request(handedOn(headers));
  // who gives up waiting is told to the server, as a poller's end is
  asking.once('close', () => call.close());
  call.end(body);
  let trailers: IncomingHttpHeaders = {};
  call.on('trailers', (received: IncomingHttpHeaders) => (trailers = received));
  const [received] = (await once(call, 'response')) as [IncomingHttpHeaders];
  return {
    headers: received,
    body: await bodyOf(call),
    trailers,
    bare: 'grpc-status' in received,
  };
}

function pass(to: ServerHttp2Stream, { headers, body, trailers, bare }: Answer): void {
  if (to.destroyed) return;
  const answer = { ...handedOn(headers), ':status': headers[':status'] };
  if (bare) {
    to.respond(answer, { endStream: true });
    return;
  }
  to.respond(answer, { waitForTrailers: true });
  to.once('wantTrailers', () => to.sendTrailers(trailers));
  to.end(body);
}

export async function startWire(target: string): Promise<Wire> {
  const sessions = new Set<Http2Session>();
  const origin = http2.connect(`http://${target}`);
  sessions.add(origin);
  const server = http2.createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => session.destroy());
  });
  const wire: Pick<Wire, 'watch'> = { watch: async () => undefined };

  async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const method = String(headers[':path']).split('/').at(-1)!;
    const body = await bodyOf(stream);
    await wire.watch({ method, when: 'asked', bytes: body.length });
    const answer = await forward(origin, stream, headers, body);
    await wire.watch({ method, when: 'answered', bytes: answer.body.length });
    pass(stream, answer);
  }

  server.on('stream', (stream, headers) => {
    // a poller that goes away, and a worker that is killed, end their streams
    stream.on('error', () => stream.destroy());
    serve(stream, headers).catch(() => stream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('The wire has no TCP port');
  return Object.assign(wire, {
    address: `127.0.0.1:${bound.port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
  });
}
