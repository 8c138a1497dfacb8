import type { Router } from 'express';
import { answering, json } from './answer';
import type { ApiDeps } from './deps';
import { answerReadiness } from './readiness';
import { resource } from './resource';

/** `GET /health/live` and `GET /health/ready`, open to everybody. */
export function routeHealth(router: Router, deps: ApiDeps): void {
  resource(router, '/health/live', { get: answering(async () => json(200, { status: 'ok' })) });
  resource(router, '/health/ready', {
    get: answering(async () => {
      const { status, body, headers } = answerReadiness(await deps.readiness());
      return json(status, body, { ...headers });
    }),
  });
}
