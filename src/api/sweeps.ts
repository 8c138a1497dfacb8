import type { Request, RequestHandler, Router } from 'express';
import { z } from 'zod';
import { parseRecordId } from '../core/ids';
import type { ConnectionName } from '../core/ids';
import { REASON_CODES, REASONS } from '../core/reason';
import type { ReasonCode } from '../core/reason';
import { list as listConnections } from '../store/connections';
import { countFindings, FINDING_KINDS, FINDING_STATES, listFindings } from '../store/sweepFindings';
import { findSweep, listSweeps, recover, request as requestSweep, SWEEP_CAUSES } from '../store/sweeps';
import type { Sweep } from '../store/sweeps';
import { answering, json } from './answer';
import { readOptionalJson } from './body';
import { NO_ID } from './customers/address';
import { WRONG_TYPE } from './customers/shapes';
import type { ApiDeps } from './deps';
import { parseBody } from './input';
import { Problem } from './problem';
import { resource } from './resource';

const SHOWN_SWEEPS = 20;
/** What is not healed comes first; the counts tell how many there are in all. */
const SHOWN_FINDINGS = 100;

const side = z.enum(['here', 'there']).meta({ description: 'Whose side had moved without a hint.' });
const kind = z.enum(FINDING_KINDS);

export const sweepBody = z
  .object({
    id: z.uuid(),
    connection: z.string(),
    cause: z.enum(SWEEP_CAUSES),
    state: z.enum(['running', 'waiting', 'done', 'replaced']),
    waits_for: z
      .object({ code: z.enum(REASON_CODES), message: z.string(), since: z.iso.datetime().nullable() })
      .nullable(),
    phase: z
      .enum(['objects', 'links', 'records'])
      .meta({ description: "The other side's list, then what is linked to it, then the records here." }),
    calls: z.int().meta({ description: 'Pages read from the other system.' }),
    objects: z.int().meta({ description: 'Objects met there.' }),
    records: z.int().meta({ description: 'Records met here.' }),
    found: z.int().meta({ description: 'Differences that no hint had told of.' }),
    known: z
      .int()
      .meta({ description: 'Parked before, with nothing new about them: they wait for a person.' }),
    requested_at: z.iso.datetime(),
    ended_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Sweep', description: 'A full comparison of one connection with what stands here.' });

export const sweepListBody = z.object({ data: z.array(sweepBody) }).meta({ id: 'SweepList' });

export const sweepReportBody = sweepBody
  .extend({
    report: z.array(z.object({ side, kind, waiting: z.int(), parked: z.int(), healed: z.int() })),
    findings: z
      .array(
        z.object({
          catalog: z.string(),
          id: z.uuid().meta({ description: 'The record.' }),
          remote_id: z.string().nullable(),
          side,
          kind,
          fields: z.array(z.string()),
          state: z.enum(FINDING_STATES),
          found_at: z.iso.datetime(),
        }),
      )
      .meta({ description: `The first ${SHOWN_FINDINGS}, what is not healed before the rest.` }),
  })
  .meta({ id: 'SweepReport' });

export const sweepInput = z
  .strictObject(
    {
      connection: z
        .string('It must be the name of a connection.')
        .optional()
        .meta({ description: 'May be left out where there is only one.' }),
    },
    WRONG_TYPE,
  )
  .meta({ id: 'NewSweep' });

/** Why an open sweep stands still. One of a connection that is configured no more is never gone on with. */
function waitsFor(deps: ApiDeps, sweep: Sweep): z.output<typeof sweepBody>['waits_for'] {
  if (sweep.ending !== null) return null;
  const forgotten = !deps.connections.configured().includes(sweep.connection);
  const code = forgotten ? 'not_configured' : (sweep.waitsFor as ReasonCode | null);
  if (code === null) return null;
  const since = forgotten ? sweep.requestedAt : sweep.waitsSince;
  return { code, message: REASONS[code].message, since: since?.toISOString() ?? null };
}

function present(deps: ApiDeps, sweep: Sweep): z.output<typeof sweepBody> {
  const { id, connection, cause, phase, calls, objects, records, found, known } = sweep;
  const at = {
    requested_at: sweep.requestedAt.toISOString(),
    ended_at: sweep.endedAt?.toISOString() ?? null,
  };
  const waits = waitsFor(deps, sweep);
  const state = sweep.ending ?? (waits === null ? 'running' : 'waiting');
  return {
    id,
    connection,
    cause,
    state,
    waits_for: waits,
    phase,
    calls,
    objects,
    records,
    found,
    known,
    ...at,
  };
}

async function report(deps: ApiDeps, sweep: Sweep): Promise<z.output<typeof sweepReportBody>> {
  const [counts, findings] = await Promise.all([
    countFindings(deps.database, sweep.id),
    listFindings(deps.database, sweep.id, SHOWN_FINDINGS),
  ]);
  const rows = new Map<string, z.output<typeof sweepReportBody>['report'][number]>();
  for (const { side: whose, kind: what, state, records } of counts) {
    const key = `${whose} ${what}`;
    const row = rows.get(key) ?? { side: whose, kind: what, waiting: 0, parked: 0, healed: 0 };
    rows.set(key, { ...row, [state]: records });
  }
  return {
    ...present(deps, sweep),
    report: [...rows.values()],
    findings: findings.map((finding) => ({
      catalog: finding.catalog,
      id: finding.recordId,
      remote_id: finding.remoteId,
      side: finding.side,
      kind: finding.kind,
      fields: [...finding.fields],
      state: finding.state,
      found_at: finding.foundAt.toISOString(),
    })),
  };
}

/** @throws Problem 422 naming the connections there are */
async function connectionOf(deps: ApiDeps, asked: string | undefined): Promise<ConnectionName> {
  const known = (await listConnections(deps.database)).map(({ name }) => name);
  const names = known.filter((name) => deps.connections.configured().includes(name));
  const found = asked === undefined && names.length === 1 ? names[0] : names.find((name) => name === asked);
  if (found !== undefined) return found;
  const there = names.length === 0 ? 'There is no connection yet.' : `There is: ${names.join(', ')}.`;
  const forgotten = known.some((name) => name === asked);
  const code = asked === undefined ? 'needed' : forgotten ? 'not_configured' : 'unknown_connection';
  const detail = forgotten ? `${REASONS.not_configured.message} ${there}` : there;
  throw new Problem('invalid', 'See `errors` for each field and what is wrong with it.', {
    errors: [{ pointer: '/connection', code, detail }],
  });
}

function ask(deps: ApiDeps): RequestHandler {
  return answering(async (request, response) => {
    const input = parseBody(sweepInput, (await readOptionalJson(request, response)) ?? {});
    const connection = await connectionOf(deps, input.connection);
    const { opened, sweep } = await requestSweep(deps.database, connection, 'operator');
    const location = `/sweeps/${sweep.id}`;
    if (!opened) {
      throw new Problem('sweep_running', `GET ${location} tells how far it is.`, {
        members: { sweep: sweep.id },
      });
    }
    return json(202, present(deps, sweep), { Location: location });
  });
}

function unknown(): Problem {
  return new Problem('not_found', 'There is no sweep with this id. GET /sweeps lists the last ones.');
}

function read(deps: ApiDeps): RequestHandler {
  return answering(async (request: Request) => {
    const id = parseRecordId(String(request.params['id']));
    if (id === null) throw new Problem('not_found', NO_ID);
    const sweep = await findSweep(deps.database, id);
    if (sweep === null) throw unknown();
    return json(200, await report(deps, sweep));
  });
}

/** `POST /sweeps`, `GET /sweeps`, `GET /sweeps/{id}`, and `POST /recovered` after a restored backup. */
export function routeSweeps(router: Router, deps: ApiDeps): void {
  resource(router, '/sweeps', {
    get: answering(async () => {
      const sweeps = await listSweeps(deps.database, SHOWN_SWEEPS);
      return json(200, { data: sweeps.map((sweep) => present(deps, sweep)) });
    }),
    post: ask(deps),
  });
  resource(router, '/sweeps/:id', { get: read(deps) });
  resource(router, '/recovered', {
    post: answering(async () => {
      const sweeps = await recover(deps.database);
      return json(202, { data: sweeps.map((sweep) => present(deps, sweep)) });
    }),
  });
}
