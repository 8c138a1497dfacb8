import { z } from 'zod';
import { table } from './layout';
import { quoted } from './lostValues';
import type { Report } from './report';
import type { Server } from './server';

const entryAnswer = z.object({
  at: z.string(),
  kind: z.string(),
  by: z.string(),
  connection: z.string().nullable(),
  text: z.string(),
  run_id: z.string().nullable(),
  request_id: z.string().nullable(),
  changes: z.array(z.object({ name: z.string(), before: z.unknown(), after: z.unknown() })),
});

const timelineAnswer = z.object({
  data: z.array(entryAnswer),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});

type Entry = z.output<typeof entryAnswer>;

/** How many of the newest entries `show` appends. */
const SHOWN_ENTRIES = 20;
/** As many as the API gives at once. */
const PAGE_ENTRIES = 100;
/** Far more than housekeeping leaves of one customer (about 500). */
const PAGES_MAX = 200;

/** What became of the fields; what links show is told in words. */
function values({ kind, changes }: Entry): string {
  if (kind !== 'change' || changes.length === 0) return '';
  const told = changes.map(({ name, before, after }) => `${name} ${quoted(before)} → ${quoted(after)}`);
  return `: ${told.join(', ')}`;
}

function line(entry: Entry): string[] {
  const { at, by, connection, text, kind, run_id: run, request_id: request } = entry;
  const about = connection === null || connection === by ? '' : `${connection}: `;
  const named = [request, kind === 'look' && run !== null ? `run ${run}` : null].filter(
    (name) => name !== null,
  );
  const suffix = named.length === 0 ? '' : ` [${named.join(', ')}]`;
  return [at.replace('T', ' ').replace('Z', ''), by, `${about}${text}${values(entry)}${suffix}`];
}

/** @param newestFirst as the API lists them; told in the order in which they happened */
function story(newestFirst: readonly Entry[]): string[] {
  return table(['Time (UTC)', 'By', 'What'], newestFirst.toReversed().map(line));
}

function pathOf(id: string, query: Record<string, string>): string {
  return `/customers/${encodeURIComponent(id)}/timeline?${new URLSearchParams(query).toString()}`;
}

/** The newest entries, for the end of `counterpart show <id>`. */
export async function newestEntries(
  server: Server,
  { id, program }: { id: string; program: string },
): Promise<{ answer: unknown; lines: string[] }> {
  const answer = await server.get(pathOf(id, { limit: String(SHOWN_ENTRIES) }));
  const { data, has_more: more } = timelineAnswer.parse(answer);
  if (data.length === 0) return { answer, lines: [] };
  const all = more ? ` (the last ${data.length}; all: ${program} timeline ${id})` : '';
  return { answer, lines: ['', `What happened${all}:`, ...story(data)] };
}

/** `counterpart timeline <id>`: all that is kept of what happened to one customer. */
export async function showTimeline(server: Server, id: string, mask: boolean): Promise<Report> {
  const answers: unknown[] = [];
  const entries: Entry[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query = { limit: String(PAGE_ENTRIES), ...(mask ? { mask: '1' } : {}) };
    const answer = await server.get(pathOf(id, cursor === null ? query : { ...query, cursor }));
    const parsed: z.output<typeof timelineAnswer> = timelineAnswer.parse(answer);
    answers.push(...(answer as { data: unknown[] }).data);
    entries.push(...parsed.data);
    cursor = parsed.next_cursor;
    if (cursor === null) break;
  }
  const lines = entries.length === 0 ? ['Nothing is kept of what happened to it.'] : story(entries);
  return { answer: { data: answers, has_more: cursor !== null, next_cursor: cursor }, lines, finding: false };
}
