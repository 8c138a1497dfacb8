import type { Request, RequestHandler, Response } from 'express';

/** What a handler answers with. `body` is the JSON text as it goes out; null sends none. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: JSON.stringify(value) };
}

/** Written without Express's `send`, which would turn a GET with a matching If-None-Match into a 304. */
function write(response: Response, answer: Answer): void {
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  if (answer.body === null) {
    response.end();
    return;
  }
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(answer.body));
  response.end(answer.body);
}

/** A handler that answers with a value; what it throws goes to the API's one error handler. */
export function answering(handle: (request: Request, response: Response) => Promise<Answer>): RequestHandler {
  return async (request, response) => write(response, await handle(request, response));
}
