import { z } from 'zod';
import { ago, duration, table } from './layout';
import { explain, reasonAnswer } from './reason';
import type { Report } from './report';
import type { Server } from './server';

/** The part of `GET /status` this command reads; anything more may come. */
const statusAnswer = z.object({
  queue_depth: z.number(),
  oldest_pending_seconds: z.number().nullable(),
  connections: z.array(
    z.object({
      name: z.string(),
      state: z.string(),
      mode: z.string().nullable(),
      counts: z.record(z.string(), z.number()),
      reason: reasonAnswer.nullable(),
      degraded: z.array(z.string()),
      poll: z.object({ polled_seconds_ago: z.number() }).nullable(),
    }),
  ),
  parked: z.array(
    z.object({ id: z.string(), connection: z.string(), has_row: z.boolean(), reason: reasonAnswer }),
  ),
});

type Status = z.output<typeof statusAnswer>;

const COUNTED = ['in_sync', 'pending', 'waiting', 'parked', 'paused', 'deleted'] as const;
const UNSETTLED = ['pending', 'waiting', 'parked', 'paused'] as const;

function connectionLines({ connections }: Status): string[] {
  const titles = [
    'Connection',
    'State',
    'Mode',
    '>In sync',
    '>Pending',
    '>Waiting',
    '>Parked',
    '>Paused',
    '>Deleted',
    'Last poll',
  ];
  const rows = connections.map((connection) => [
    connection.name,
    connection.state,
    connection.mode ?? '-',
    ...COUNTED.map((state) => String(connection.counts[state] ?? 0)),
    connection.poll === null ? '-' : `${duration(connection.poll.polled_seconds_ago)} ago`,
  ]);
  const notes = connections.flatMap((connection) => [
    ...(connection.reason === null ? [] : [`${connection.name}: ${explain(connection.reason).join(' ')}`]),
    ...(connection.degraded.length === 0
      ? []
      : [`${connection.name}: the server cannot do ${connection.degraded.join(', ')}; all else works.`]),
  ]);
  return [...table(titles, rows), ...notes];
}

function parkedLines({ parked }: Status, nowMs: number): string[] {
  if (parked.length === 0) return [];
  return [
    '',
    'Parked, the newest first:',
    ...parked.flatMap((record) => [
      `  ${record.id}  ${record.connection}, for ${ago(record.reason.since, nowMs)}${record.has_row ? '' : ', not pulled yet'}`,
      ...explain(record.reason).map((line) => `    ${line}`),
    ]),
  ];
}

function isFine({ connections }: Status): boolean {
  return connections.every(
    ({ state, counts }) =>
      state === 'active' && UNSETTLED.every((unsettled) => (counts[unsettled] ?? 0) === 0),
  );
}

/** `counterpart status`: a finding unless every connection is active and every record in sync or deleted. */
export async function showStatus(server: Server, nowMs: number): Promise<Report> {
  const answer = await server.get('/status');
  const status = statusAnswer.parse(answer);
  const oldest = status.oldest_pending_seconds;
  const fine = isFine(status);
  const lines = [
    ...(status.connections.length === 0 ? ['No connection is known yet.'] : connectionLines(status)),
    '',
    `Queue: ${status.queue_depth} to look at${oldest === null ? '' : `, the oldest for ${duration(oldest)}`}.`,
    ...parkedLines(status, nowMs),
    '',
    fine ? 'Everything is in sync.' : 'Not everything is in sync.',
  ];
  return { answer, lines, finding: !fine };
}

/** The newest parked entry of a record that has no row here, or null: `show` has nothing else to tell about it. */
export async function findParked(server: Server, id: string): Promise<Status['parked'][number] | null> {
  const { parked } = statusAnswer.parse(await server.get('/status'));
  return parked.find((record) => record.id === id.toLowerCase()) ?? null;
}
