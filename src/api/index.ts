/**
 * TALK: the REST API, an Express app over src/store. It validates, writes customers and reads where they stand; triggers
 * and the engine do the rest, so nothing here knows of Temporal or of any system.
 * May touch: express, zod, src/store, src/catalogs, src/core. Touched by: src/bin.
 */
import express from 'express';
import { authorize } from './authorization';
import { routeConflicts } from './conflicts';
import { routeConnections } from './connections';
import { routeCustomers } from './customers';
import type { ApiDeps } from './deps';
import { logRequests, nameRequest, refuseOtherSites } from './door';
import { answerErrors } from './failure';
import { routeDocs } from './docs';
import { routeHealth } from './health';
import { Problem } from './problem';
import { resource } from './resource';
import { routeStatus } from './status';
import { routeSweeps } from './sweeps';
import { routeTimeline } from './timeline';

export type { ApiDeps, Resumed } from './deps';
export type { Readiness } from './readiness';
export type { ConnectionView } from './connections';
export { refuse } from './problem';
export { answerUnreadable } from './unreadable';

/** A webhook body may be larger than an API's: Stripe's events carry whole objects. */
const WEBHOOK_BODY_MAX_BYTES = 1024 * 1024;

/** What everybody may ask for, without a key. */
function openRoutes(deps: ApiDeps): express.Router {
  const router = express.Router({ caseSensitive: true });
  routeHealth(router, deps);
  routeDocs(router);
  return router;
}

function guardedRoutes(deps: ApiDeps): express.Router {
  const router = express.Router({ caseSensitive: true });
  resource(router, '/metrics', {
    get: async (_request, response) => {
      const { contentType, body } = await deps.metricsText();
      response.setHeader('Content-Type', contentType);
      response.end(body);
    },
  });
  routeConnections(router, deps);
  routeCustomers(router, deps);
  routeConflicts(router, deps);
  routeTimeline(router, deps);
  routeStatus(router, deps);
  routeSweeps(router, deps);
  return router;
}

/** The whole API. Errors of every route end in one place; nothing but what is written here is answered. */
export function createApi(deps: ApiDeps): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(nameRequest, logRequests(deps.log));
  // Before any JSON parser: a signature is over the raw bytes.
  const readWebhook = express.raw({ type: () => true, limit: WEBHOOK_BODY_MAX_BYTES, inflate: false });
  const webhooks = express.Router({ caseSensitive: true });
  resource(webhooks, '/webhooks/:connection', { post: [readWebhook, deps.webhook] });
  app.use(webhooks);
  app.use(openRoutes(deps));
  app.use(refuseOtherSites(deps.apiKeys.length === 0), authorize(deps.apiKeys));
  app.use(guardedRoutes(deps));
  app.use(() => {
    throw new Problem('not_found', 'No request is served at this path. /docs lists those that are.');
  });
  app.use(answerErrors(deps.log));
  return app;
}
