import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Assembly } from './assemble';

async function postgresAnswers(parts: Assembly): Promise<boolean> {
  try {
    await parts.database.query('select 1');
    return true;
  } catch (error) {
    parts.log.warn({ err: error }, 'Postgres does not answer');
    return false;
  }
}

type Reply = readonly [status: number, type: string, body: string];

/**
 * Serves `/health/live`, `/health/ready` and `/metrics` of the worker process on WORKER_PORT. Ready while both Postgres
 * and Temporal answer; without either it cannot do its job.
 */
export function serveHealth(parts: Assembly, temporalAnswers: () => Promise<boolean>): Server {
  async function reply(url: string | undefined): Promise<Reply> {
    if (url === '/health/live') return [200, 'application/json', '{"status":"ok"}'];
    if (url === '/metrics') {
      const { registry } = parts.metrics;
      return [200, registry.contentType, await registry.metrics()];
    }
    if (url !== '/health/ready') return [404, 'application/json', '{"status":"not_found"}'];
    const [postgres, temporal] = await Promise.all([postgresAnswers(parts), temporalAnswers()]);
    const fine = postgres && temporal;
    const body = { status: fine ? 'ok' : 'unavailable', parts: { postgres, temporal } };
    return [fine ? 200 : 503, 'application/json', JSON.stringify(body)];
  }
  const server = createServer((request, response) => {
    reply(request.url).then(
      ([status, type, body]) => response.writeHead(status, { 'content-type': type }).end(body),
      (error: unknown) => {
        parts.log.error({ err: error }, 'the health check failed');
        response.writeHead(500).end();
      },
    );
  });
  return server.listen(parts.config.workerPort, parts.config.http.host);
}
