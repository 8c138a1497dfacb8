import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { answerReadiness } from '../api/readiness';
import type { Assembly } from './assemble';
import { readinessOf } from './readiness';

type Parts = Pick<Assembly, 'config' | 'store' | 'log' | 'metrics'>;
type Reply = readonly [status: number, headers: Record<string, string>, body: string];

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Reply {
  return [status, { 'content-type': 'application/json', ...headers }, JSON.stringify(body)];
}

/**
 * Serves `/health/live`, `/health/ready` and `/metrics` of the worker process on WORKER_PORT. Ready while both Postgres
 * and Temporal answer; without either it cannot do its job.
 */
export function serveHealth(parts: Parts, temporalAnswers: () => Promise<boolean>): Server {
  async function reply(url: string | undefined): Promise<Reply> {
    if (url === '/health/live') return json(200, { status: 'ok' });
    if (url === '/metrics') {
      const { registry } = parts.metrics;
      return [200, { 'content-type': registry.contentType }, await registry.metrics()];
    }
    if (url !== '/health/ready') return json(404, { status: 'not_found' });
    const { status, body, headers } = answerReadiness(await readinessOf(parts, temporalAnswers));
    return json(status, body, headers);
  }
  const server = createServer((request, response) => {
    reply(request.url).then(
      ([status, headers, body]) => response.writeHead(status, headers).end(body),
      (error: unknown) => {
        parts.log.error({ err: error }, 'the health check failed');
        response.writeHead(500).end();
      },
    );
  });
  return server.listen(parts.config.workerPort, parts.config.http.host);
}
