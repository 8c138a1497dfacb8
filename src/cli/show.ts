import { z } from 'zod';
import { ago, printable, table } from './layout';
import { explain, reasonAnswer } from './reason';
import type { Report } from './report';
import { Failed } from './server';
import type { Server } from './server';
import { findParked } from './status';

const syncEntries = z.array(
  z.object({
    connection: z.string(),
    remote_id: z.string().nullable(),
    state: z.string(),
    synced_version: z.number().nullable(),
    last_synced_at: z.string().nullable(),
    reason: reasonAnswer.nullable(),
  }),
);

const customerAnswer = z.object({
  id: z.string(),
  name: z.string().nullable(),
  email: z.string().nullable(),
  version: z.number(),
  created_at: z.string(),
  updated_at: z.string(),
  sync: syncEntries,
});
const deletedAnswer = z.object({
  code: z.literal('customer_deleted'),
  deleted_at: z.string(),
  sync: syncEntries,
});

const conflictsAnswer = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      connection: z.string(),
      field: z.string(),
      winner: z.string(),
      cause: z.string(),
      created_at: z.string(),
      resolved_at: z.string().nullable(),
    }),
  ),
});

type SyncEntries = z.output<typeof syncEntries>;
type Conflicts = z.output<typeof conflictsAnswer>['data'];

const SETTLED: ReadonlySet<string> = new Set(['in_sync', 'deleted']);
const CONFLICTS_SHOWN = 10;

function syncLines(sync: SyncEntries, nowMs: number): string[] {
  const rows = sync.map((entry) => [
    entry.connection,
    entry.state,
    entry.remote_id ?? '-',
    entry.synced_version === null ? '-' : String(entry.synced_version),
    entry.last_synced_at === null ? '-' : `${ago(entry.last_synced_at, nowMs)} ago`,
  ]);
  const reasons = sync.flatMap(({ connection, reason }) =>
    reason === null ? [] : [`${connection}: ${explain(reason).join('\n  ')}`],
  );
  return [...table(['Connection', 'State', 'There', '>Version', 'Last synced'], rows), ...reasons];
}

function conflictLines(conflicts: Conflicts, nowMs: number): string[] {
  const open = conflicts.filter(({ resolved_at: resolved }) => resolved === null);
  if (open.length === 0) return [];
  const rows = open
    .slice(0, CONFLICTS_SHOWN)
    .map(({ id, connection, field, winner, cause, created_at: at }) => [
      id,
      connection,
      field,
      winner,
      cause,
      `${ago(at, nowMs)} ago`,
    ]);
  const more = open.length > CONFLICTS_SHOWN ? [`... and ${open.length - CONFLICTS_SHOWN} more`] : [];
  return [
    '',
    'Values that lost:',
    ...table(['Conflict', 'Connection', 'Field', 'Winner', 'Cause', 'When'], rows),
    ...more,
  ];
}

async function readCustomer(server: Server, path: string): Promise<unknown> {
  try {
    return await server.get(path);
  } catch (error) {
    if (error instanceof Failed && error.status === 410) return error.problem;
    throw error;
  }
}

async function showUnpulled(server: Server, id: string, notFound: Failed, nowMs: number): Promise<Report> {
  const parked = await findParked(server, id);
  if (parked === null) throw notFound;
  const lines = [
    `${parked.id}  stands only at ${parked.connection}, parked for ${ago(parked.reason.since, nowMs)}`,
    ...explain(parked.reason),
  ];
  return { answer: parked, lines, finding: true };
}

/** `counterpart show <id>`: a finding unless it is in sync, or deleted, at every connection. */
export async function showCustomer(server: Server, id: string, nowMs: number): Promise<Report> {
  const path = `/customers/${encodeURIComponent(id)}`;
  let answer: unknown;
  try {
    answer = await readCustomer(server, path);
  } catch (error) {
    if (error instanceof Failed && error.status === 404) return showUnpulled(server, id, error, nowMs);
    throw error;
  }
  const { data: conflicts } = conflictsAnswer.parse(await server.get(`${path}/conflicts`));
  const deleted = deletedAnswer.safeParse(answer);
  const { sync } = deleted.success ? deleted.data : customerAnswer.parse(answer);
  const head = deleted.success
    ? [`${id}  deleted ${ago(deleted.data.deleted_at, nowMs)} ago`]
    : liveLines(answer, nowMs);
  const lines = [...head, '', ...syncLines(sync, nowMs), ...conflictLines(conflicts, nowMs)];
  return {
    answer: { customer: answer, conflicts },
    lines,
    finding: sync.some(({ state }) => !SETTLED.has(state)),
  };
}

function liveLines(answer: unknown, nowMs: number): string[] {
  const customer = customerAnswer.parse(answer);
  return [
    `${customer.id}  version ${customer.version}, changed ${ago(customer.updated_at, nowMs)} ago`,
    `Name    ${printable(customer.name ?? '-')}`,
    `E-mail  ${printable(customer.email ?? '-')}`,
  ];
}
