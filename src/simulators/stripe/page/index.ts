/**
 * The page at /: a person plays the Stripe dashboard. Plain HTML, CSS and JavaScript, nothing from elsewhere.
 * Its text lives in .ts files because the build copies no other kind.
 * It calls /v1 as the dashboard would (no idempotency key) and marks its calls with a header.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { MARKUP } from './markup';
import { SCRIPT } from './script';
import { STYLE } from './style';

const FILES: Record<string, { type: string; text: string }> = {
  '/': { type: 'text/html; charset=utf-8', text: MARKUP },
  '/page.css': { type: 'text/css; charset=utf-8', text: STYLE },
  '/page.js': { type: 'text/javascript; charset=utf-8', text: SCRIPT },
};

export function answerPage(request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const file = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  if (!file || !['GET', 'HEAD'].includes(request.method ?? '')) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Not found.\n');
    return;
  }
  response
    .writeHead(200, {
      'content-type': file.type,
      'cache-control': 'no-cache',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
    })
    .end(request.method === 'HEAD' ? undefined : file.text);
}
