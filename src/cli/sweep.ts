import { z } from 'zod';
import { table, utc } from './layout';
import type { Report } from './report';
import type { Server } from './server';

/** The part of a sweep's answer these commands read; anything more may come. */
const sweepAnswer = z.object({
  id: z.string(),
  connection: z.string(),
  state: z.string(),
  waits_for: z.object({ code: z.string(), message: z.string() }).nullable(),
  objects: z.number(),
  records: z.number(),
  found: z.number(),
  known: z.number(),
  requested_at: z.string(),
  ended_at: z.string().nullable(),
});
const reportAnswer = sweepAnswer.extend({
  report: z.array(
    z.object({
      side: z.string(),
      kind: z.string(),
      waiting: z.number(),
      parked: z.number(),
      healed: z.number(),
    }),
  ),
  findings: z.array(
    z.object({
      id: z.string(),
      side: z.string(),
      kind: z.string(),
      fields: z.array(z.string()),
      state: z.string(),
    }),
  ),
});
const recoveredAnswer = z.object({ data: z.array(sweepAnswer) });

type SweepReport = z.output<typeof reportAnswer>;

export interface SweepOptions {
  readonly connection?: string;
  readonly wait?: boolean;
}

const POLL_MS = 500;
/** A sweep that waits for these waits for a person. */
const NEEDS_A_PERSON: ReadonlySet<string> = new Set([
  'paused',
  'unauthorized',
  'other_account',
  'delete_burst',
]);
/** Why each kind is a finding, in words. */
const KINDS: Readonly<Record<string, string>> = {
  'there created': 'stands there and was not known here',
  'there edited': 'was changed there',
  'there missing': 'is not in the list there',
  'there adopted': 'stands there and was made by us, after the backup',
  'there standing': 'stands there although its deletion was confirmed',
  'here created': 'stands here and was not known there',
  'here edited': 'was changed here past the triggers',
  'here deleted': 'was deleted here and still stands there',
  'here vanished': 'is gone here without a deletion',
  'here unfinished': 'was begun and never finished',
};

function reportLines(sweep: SweepReport): string[] {
  const asBefore = sweep.known === 0 ? '' : `, ${sweep.known} parked as before`;
  const head = `${sweep.connection}: ${sweep.objects} objects there, ${sweep.records} records here compared, ${sweep.found} different${asBefore}.`;
  const waits =
    sweep.waits_for === null ? [] : [`It waits: ${sweep.waits_for.message} (${sweep.waits_for.code})`];
  if (sweep.report.length === 0) return [head, ...waits];
  const rows = sweep.report.map(({ side, kind, healed, waiting, parked }) => [
    side,
    KINDS[`${side} ${kind}`] ?? kind,
    ...[healed, waiting, parked].map(String),
  ]);
  const open = sweep.findings.filter(({ state }) => state !== 'healed');
  return [
    head,
    ...waits,
    '',
    ...table(['Side', 'What', '>Healed', '>Waiting', '>Parked'], rows),
    ...(open.length === 0 ? [] : ['', 'Not healed yet:']),
    ...open.map(({ id, side, kind, fields, state }) =>
      `  ${id}  ${state}: ${side} ${kind} ${fields.join(', ')}`.trimEnd(),
    ),
  ];
}

function unanswered({ report }: SweepReport): number {
  return report.reduce((sum, row) => sum + row.waiting, 0);
}

/** Whether there is anything left to wait for, that comes without a person. */
function isOver(sweep: SweepReport): boolean {
  if (sweep.state === 'waiting') return NEEDS_A_PERSON.has(sweep.waits_for?.code ?? '');
  return sweep.state !== 'running' && unanswered(sweep) === 0;
}

/** `counterpart sweep`: compares everything; with `wait`, until what it found is healed or parked. */
export async function askForSweep(
  server: Server,
  program: string,
  { connection, wait = false }: SweepOptions,
): Promise<Report> {
  const asked = await server.post('/sweeps', connection === undefined ? {} : { connection });
  const { id, connection: name } = sweepAnswer.parse(asked);
  if (!wait) {
    return {
      answer: asked,
      lines: [`${name} is compared in full. See: ${program} sweeps ${id}`],
      finding: false,
    };
  }
  for (;;) {
    const answer = await server.get(`/sweeps/${id}`);
    const sweep = reportAnswer.parse(answer);
    if (isOver(sweep)) {
      const left = sweep.state !== 'done' || sweep.report.some(({ parked }) => parked > 0);
      return { answer, lines: reportLines(sweep), finding: left };
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** `counterpart sweeps [id]`: the drift report of one, or the last ones. A finding: it waits, or something is not healed. */
export async function showSweeps(server: Server, id: string): Promise<Report> {
  if (id !== '') {
    const answer = await server.get(`/sweeps/${encodeURIComponent(id)}`);
    const sweep = reportAnswer.parse(answer);
    const left = sweep.state === 'waiting' || sweep.report.some((row) => row.waiting + row.parked > 0);
    return { answer, lines: reportLines(sweep), finding: left };
  }
  const answer = await server.get('/sweeps');
  const { data } = recoveredAnswer.parse(answer);
  const rows = data.map((sweep) => [
    sweep.id,
    sweep.connection,
    utc(sweep.requested_at),
    sweep.ended_at === null ? '-' : utc(sweep.ended_at),
    sweep.state,
    String(sweep.found),
  ]);
  const lines =
    rows.length === 0
      ? ['There was no sweep yet.']
      : table(['Sweep', 'Connection', 'Asked for (UTC)', 'Ended (UTC)', 'State', '>Found'], rows);
  return { answer, lines, finding: false };
}

/** `counterpart recovered`: to be said once after an older backup of the database was restored. */
export async function sayRecovered(server: Server, program: string): Promise<Report> {
  const answer = await server.post('/recovered');
  const { data } = recoveredAnswer.parse(answer);
  const lines = [
    `Nothing is sent to ${data.map(({ connection }) => connection).join(', ')} until all of it was read.`,
    ...data.map(({ id }) => `See: ${program} sweeps ${id}`),
  ];
  return { answer, lines, finding: false };
}
