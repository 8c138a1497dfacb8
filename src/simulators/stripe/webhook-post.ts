/** One signed POST to a webhook endpoint. Scheme: https://docs.stripe.com/webhooks#verify-manually */

import { createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

export type PostResult = { kind: 'answered'; status: number } | { kind: 'failed'; reason: string };
export type Post = (url: string, body: string, signature: string, timeoutMs: number) => Promise<PostResult>;
export type Poster = { post: Post; close: () => void };

/** `t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">` */
export function signatureHeader(body: string, secret: string, timestampSeconds: number): string {
  const mac = createHmac('sha256', secret).update(`${timestampSeconds}.${body}`).digest('hex');
  return `t=${timestampSeconds},v1=${mac}`;
}

/** Keeps connections open between deliveries: a fresh one each costs more than the delivery. */
export function makePoster(maxSockets: number): Poster {
  const agents = {
    plain: new http.Agent({ keepAlive: true, maxSockets }),
    secure: new https.Agent({ keepAlive: true, maxSockets }),
  };
  return {
    post: (url, body, signature, timeoutMs) =>
      new Promise((resolve) => {
        const secure = url.startsWith('https:');
        const options = {
          method: 'POST',
          headers: {
            accept: '*/*; q=0.5, application/xml',
            'content-type': 'application/json; charset=utf-8',
            'content-length': Buffer.byteLength(body),
            'stripe-signature': signature,
            'user-agent': 'Stripe/1.0 (simulator; not Stripe)',
          },
        };
        const answered = (response: http.IncomingMessage): void => {
          response.on('error', () => undefined);
          response.resume();
          response.on('close', () => clearTimeout(timer));
          resolve({ kind: 'answered', status: response.statusCode ?? 0 });
        };
        const request = secure
          ? https.request(url, { ...options, agent: agents.secure }, answered)
          : http.request(url, { ...options, agent: agents.plain }, answered);
        const timer = setTimeout(
          () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)),
          timeoutMs,
        );
        request.on('error', (error: NodeJS.ErrnoException) => {
          clearTimeout(timer);
          resolve({ kind: 'failed', reason: error.code ?? error.message });
        });
        request.end(body);
      }),
    close: () => {
      agents.plain.destroy();
      agents.secure.destroy();
    },
  };
}
