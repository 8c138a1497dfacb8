import { z } from 'zod';
import { ago, printable, table } from './layout';
import { keptLines, lostLines, lostValueAnswer } from './lostValues';
import type { LostValueAnswer } from './lostValues';
import { explain, reasonAnswer } from './reason';
import type { Report } from './report';
import { Failed } from './server';
import type { Server } from './server';
import { findParked } from './status';
import { newestEntries } from './timeline';

const syncEntries = z.array(
  z.object({
    connection: z.string(),
    remote_id: z.string().nullable(),
    state: z.string(),
    synced_version: z.number().nullable(),
    last_synced_at: z.string().nullable(),
    possible_duplicate: z.boolean().default(false),
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

const conflictsAnswer = z.object({ data: z.array(lostValueAnswer) });

type SyncEntries = z.output<typeof syncEntries>;

const SETTLED: ReadonlySet<string> = new Set(['in_sync', 'deleted']);

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

/** Says where to find the other one; it may be gone or renamed by now. */
function duplicateLines(sync: SyncEntries, email: string | null): string[] {
  const others = email === null ? '' : ` Compare: GET /customers?email=${encodeURIComponent(email)}`;
  return sync
    .filter((entry) => entry.possible_duplicate)
    .map(
      ({ connection }) =>
        `${connection}: possible duplicate: it was born there with an e-mail that another customer here had.${others}`,
    );
}

async function readCustomer(server: Server, path: string): Promise<unknown> {
  try {
    return await server.get(path);
  } catch (error) {
    if (error instanceof Failed && error.status === 410) return error.problem;
    throw error;
  }
}

interface Asked {
  readonly id: string;
  readonly program: string;
  readonly nowMs: number;
}

async function showUnpulled(server: Server, asked: Asked, notFound: Failed): Promise<Report> {
  const { id, nowMs } = asked;
  const parked = await findParked(server, id);
  if (parked === null) throw notFound;
  const lines = [
    `${parked.id}  stands only at ${parked.connection}, parked for ${ago(parked.reason.since, nowMs)}`,
    ...explain(parked.reason),
    ...(await newestEntries(server, asked)).lines,
  ];
  return { answer: parked, lines, finding: true };
}

interface About extends Asked {
  readonly conflicts: readonly LostValueAnswer[];
}

function deletedLines(deleted: z.output<typeof deletedAnswer>, about: About): string[] {
  const { id, program, conflicts, nowMs } = about;
  return [
    `${id}  deleted ${ago(deleted.deleted_at, nowMs)} ago`,
    `To bring it back: ${program} restore ${id}`,
    ...keptLines(conflicts),
    '',
    ...syncLines(deleted.sync, nowMs),
  ];
}

function liveLines(customer: z.output<typeof customerAnswer>, about: About): string[] {
  const { program, conflicts, nowMs } = about;
  const { id, name, email, sync } = customer;
  return [
    `${id}  version ${customer.version}, changed ${ago(customer.updated_at, nowMs)} ago`,
    `Name    ${printable(name ?? '-')}`,
    `E-mail  ${printable(email ?? '-')}`,
    '',
    ...syncLines(sync, nowMs),
    ...duplicateLines(sync, email),
    ...lostLines(conflicts, { program, id, fields: { name, email }, nowMs }),
  ];
}

/** `counterpart show <id>`: a finding unless it is in sync, or deleted, at every connection. */
export async function showCustomer(server: Server, asked: Asked): Promise<Report> {
  const { id } = asked;
  const path = `/customers/${encodeURIComponent(id)}`;
  let answer: unknown;
  try {
    answer = await readCustomer(server, path);
  } catch (error) {
    if (error instanceof Failed && error.status === 404) return showUnpulled(server, asked, error);
    throw error;
  }
  const { data: conflicts } = conflictsAnswer.parse(await server.get(`${path}/conflicts`));
  const deleted = deletedAnswer.safeParse(answer);
  const shown = deleted.success ? deleted.data : customerAnswer.parse(answer);
  const about = { ...asked, conflicts };
  const happened = await newestEntries(server, asked);
  const lines = 'code' in shown ? deletedLines(shown, about) : liveLines(shown, about);
  return {
    answer: { customer: answer, conflicts, timeline: happened.answer },
    lines: [...lines, ...happened.lines],
    finding: shown.sync.some(({ state }) => !SETTLED.has(state)),
  };
}
