import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { STATUS_CODES } from 'node:http';
import { Problem, PROBLEMS, problemText, sendProblem } from './problem';
import type { ProblemCode } from './problem';

/** Node's codes for requests its parser gives up on, before Express sees them. All else is malformed. */
const CODES: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

const DETAILS: Partial<Record<ProblemCode, string>> = {
  headers_too_large: 'Send fewer or shorter headers: 16 KiB at most, the address included.',
  request_timeout: 'Send the whole request at once, over a new connection.',
  request_malformed:
    'This is not HTTP as it is spoken here: look at the method, the headers and their lengths.',
};

/**
 * Has the server answer what never becomes a request (a broken request line, headers beyond Node's limit, a method nobody
 * knows) in the API's own form instead of Node's empty one.
 */
export function answerUnreadable<S extends Server>(server: S): S {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const code = CODES[error.code ?? ''] ?? 'request_malformed';
    const [status, title] = PROBLEMS[code];
    const requestId = `req_${randomUUID()}`;
    const body = problemText({ status, code, title, detail: DETAILS[code] }, requestId);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      'Cache-Control: no-store',
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `Request-Id: ${requestId}`,
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
  server.on('checkExpectation', (_request, response) => {
    response.setHeader('Request-Id', `req_${randomUUID()}`);
    sendProblem(response, new Problem('expectation', 'Leave the header Expect out, or send 100-continue.'));
  });
  return server;
}
