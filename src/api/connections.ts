import type { RequestHandler, Router } from 'express';
import { z } from 'zod';
import { answering, json } from './answer';
import { reasonBody } from './customers/shapes';
import type { ApiDeps } from './deps';
import { Problem } from './problem';
import { resource } from './resource';

export const connectionBody = z
  .object({
    name: z.string(),
    system: z.string(),
    account: z
      .string()
      .nullable()
      .meta({ description: "The system's account id; null where it tells none." }),
    mode: z.enum(['simulator', 'test', 'live']).nullable(),
    state: z.enum(['active', 'paused', 'down']),
    paused_at: z.iso.datetime().nullable(),
    reason: reasonBody.nullable(),
    degraded: z.array(z.string()).meta({ description: 'What the server cannot do; all else works.' }),
  })
  .meta({ id: 'Connection' });

export const connectionListBody = z.object({ data: z.array(connectionBody) }).meta({ id: 'ConnectionList' });

export type ConnectionView = z.output<typeof connectionBody>;

function unknown(): Problem {
  return new Problem('not_found', 'There is no connection of this name. GET /connections lists them.');
}

async function viewOf(deps: ApiDeps, name: string): Promise<ConnectionView> {
  const view = (await deps.connections.list()).find((connection) => connection.name === name);
  if (view === undefined) throw unknown();
  return view;
}

function pause(deps: ApiDeps): RequestHandler {
  return answering(async (request) => {
    const name = String(request.params['name']);
    if ((await deps.connections.pause(name)) === 'unknown') throw unknown();
    return json(200, await viewOf(deps, name));
  });
}

function resume(deps: ApiDeps): RequestHandler {
  return answering(async (request) => {
    const name = String(request.params['name']);
    const resumed = await deps.connections.resume(name);
    if (resumed.kind === 'unknown') throw unknown();
    if (resumed.kind === 'refused') {
      throw new Problem('resume_refused', resumed.detail, { members: { reason: resumed.code } });
    }
    return json(200, await viewOf(deps, name));
  });
}

/** `GET /connections` and its kill switches. */
export function routeConnections(router: Router, deps: ApiDeps): void {
  resource(router, '/connections', {
    get: answering(async () => json(200, { data: await deps.connections.list() })),
  });
  resource(router, '/connections/:name/pause', { post: pause(deps) });
  resource(router, '/connections/:name/resume', { post: resume(deps) });
}
