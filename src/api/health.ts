import type { Router } from 'express';
import { answering, json } from './answer';
import type { ApiDeps } from './deps';
import { resource } from './resource';

/** `GET /health/live` and `GET /health/ready`, open to everybody. */
export function routeHealth(router: Router, deps: ApiDeps): void {
  resource(router, '/health/live', { get: answering(async () => json(200, { status: 'ok' })) });
  resource(router, '/health/ready', {
    get: answering(async () => {
      const { ready, status, parts } = await deps.readiness();
      return ready
        ? json(200, { status, parts })
        : json(503, { status: 'unavailable', parts }, { 'Retry-After': '2' });
    }),
  });
}
