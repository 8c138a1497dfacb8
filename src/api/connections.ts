import type { RequestHandler, Router } from 'express';
import { z } from 'zod';
import { parseConnectionName } from '../core/ids';
import { allowDeletions } from '../store/deleteGuard';
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
    breaker: z
      .object({
        open_since: z.iso.datetime(),
        last_failure: z.string().nullable(),
        next_probe_at: z.iso.datetime().nullable(),
      })
      .nullable()
      .meta({
        description:
          'Open while the system does not answer: nothing is sent but one question a second. Null: closed.',
      }),
    waiting: z.int().meta({ description: 'Records that wait for it.' }),
    rate_limit: z
      .object({
        per_second: z.number(),
        per_endpoint: z.number().nullable(),
        now_per_second: z.number().meta({ description: 'Lower for a while after the system answered 429.' }),
      })
      .nullable()
      .meta({ description: 'Requests a second at most, of all processes together; null: no limit of ours.' }),
    degraded: z.array(z.string()).meta({ description: 'What the server cannot do; all else works.' }),
    webhook: z
      .object({
        url: z.string(),
        state: z.enum(['registered', 'pending', 'degraded']),
        reason: z.object({ code: z.string(), message: z.string(), detail: z.string().nullable() }).nullable(),
        since: z.iso.datetime(),
      })
      .nullable()
      .meta({
        description: 'The endpoint that is kept registered there under PUBLIC_URL; null where none is.',
      }),
    held_deletions: z
      .array(
        z.object({
          direction: z
            .enum(['out', 'in'])
            .meta({ description: 'out: deleted here and not there; in: deleted there and not here.' }),
          since: z.iso.datetime(),
          held: z.int().meta({ description: 'Held so far; more may stand in the queue.' }),
          message: z.string(),
          action: z.string(),
        }),
      )
      .meta({ description: 'Guards that hold deletions back, because there were too many in a short time.' }),
  })
  .meta({ id: 'Connection' });

export const allowedBody = connectionBody
  .extend({
    released: z.int().meta({
      description:
        'Deletions that were held and go on now. Those that were known and still queued may pass, too, and are not counted.',
    }),
  })
  .meta({ id: 'AllowedDeletions' });

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

/** All deletions that are known by now may pass; later ones are guarded as before. */
function allowHeld(deps: ApiDeps): RequestHandler {
  return answering(async (request) => {
    const { name } = await viewOf(deps, String(request.params['name']));
    const connection = parseConnectionName(name);
    if (connection === null) throw unknown();
    const released = await deps.database.transact((sql) => allowDeletions(sql, connection));
    return json(200, { ...(await viewOf(deps, name)), released });
  });
}

/** `GET /connections`, its kill switches, and the guard over bursts of deletions. */
export function routeConnections(router: Router, deps: ApiDeps): void {
  resource(router, '/connections', {
    get: answering(async () => json(200, { data: await deps.connections.list() })),
  });
  resource(router, '/connections/:name/pause', { post: pause(deps) });
  resource(router, '/connections/:name/resume', { post: resume(deps) });
  resource(router, '/connections/:name/allow-deletes', { post: allowHeld(deps) });
}
