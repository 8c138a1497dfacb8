import { z } from 'zod';
import { ago, duration, table } from './layout';
import { explain, reasonAnswer } from './reason';
import type { Report } from './report';
import type { Server } from './server';

/** The part of `GET /status` this command reads; anything more may come. */
const statusAnswer = z.object({
  queue_depth: z.number(),
  oldest_pending_seconds: z.number().nullable(),
  worker_silent_seconds: z.number().nullable().default(null),
  connections: z.array(
    z.object({
      name: z.string(),
      state: z.string(),
      mode: z.string().nullable(),
      counts: z.record(z.string(), z.number()),
      reason: reasonAnswer.nullable(),
      breaker: z
        .object({ open_since: z.string(), next_probe_at: z.string().nullable() })
        .nullable()
        .default(null),
      waiting: z.number().default(0),
      degraded: z.array(z.string()),
      poll: z.object({ polled_seconds_ago: z.number() }).nullable(),
      held_deletions: z
        .array(
          z.object({
            direction: z.string(),
            since: z.string(),
            held: z.number(),
            message: z.string(),
            action: z.string(),
          }),
        )
        .default([]),
    }),
  ),
  parked: z.array(
    z.object({
      id: z.string(),
      connection: z.string(),
      remote_id: z.string().nullable().default(null),
      has_row: z.boolean(),
      deleted: z.boolean().default(false),
      reason: reasonAnswer,
    }),
  ),
});

type Status = z.output<typeof statusAnswer>;

const COUNTED = ['in_sync', 'pending', 'waiting', 'parked', 'paused', 'deleted'] as const;
const UNSETTLED = ['pending', 'waiting', 'parked', 'paused'] as const;

/** What a connection that is degraded does without, in words. */
const LACKS: Readonly<Record<string, string>> = {
  account: 'the server does not say whose account it is, and is known by its address',
  events: 'the server has no list of events, so only webhooks and sweeps tell what changes there',
  webhooks: 'no webhook endpoint could be registered, so its events are polled',
};

/** A worker asks once a second. */
const PROBE_LATE_S = 10;

/** Since when the breaker is open and when the system is asked next; the reason tells why. */
function breakerLines({ name, breaker, waiting }: Status['connections'][number], nowMs: number): string[] {
  if (breaker === null) return [];
  const { open_since: since, next_probe_at: at } = breaker;
  const in_s = at === null ? null : (Date.parse(at) - nowMs) / 1000;
  const next = in_s === null ? 'soon' : `in ${duration(Math.max(0, in_s))}`;
  const asked =
    in_s !== null && in_s < -PROBE_LATE_S
      ? `to be asked again since ${duration(-in_s)}, and no worker does`
      : `asked again ${next}`;
  return [`${name}: no answer for ${ago(since, nowMs)}, ${asked}; ${waiting} records wait for it.`];
}

/** What is held back, since when, and what to press. */
function heldLines({ name, held_deletions: guards }: Status['connections'][number], nowMs: number): string[] {
  return guards.map(({ direction, since, held, message, action }) => {
    const deletions = held === 1 ? 'deletion' : 'deletions';
    const where = direction === 'out' ? 'going out' : 'coming in';
    return `${name}: ${held} ${deletions} ${where} held for ${ago(since, nowMs)}. ${message} To do: ${action}`;
  });
}

function connectionLines({ connections }: Status, nowMs: number): string[] {
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
    ...breakerLines(connection, nowMs),
    ...(connection.degraded.length === 0
      ? []
      : [
          `${connection.name}: ${connection.degraded.map((what) => LACKS[what] ?? `no ${what}`).join('; ')}. All else works.`,
        ]),
    ...heldLines(connection, nowMs),
  ]);
  return [...table(titles, rows), ...notes];
}

/** What needs an id of its own, the record's page names with the command that takes it. */
const SHOWN_THERE: ReadonlySet<string> = new Set(['conflict', 'ping_pong']);

/** What is to be mended there needs its id there; `show` cannot tell it of what has no row here. */
function placeOf({
  connection,
  remote_id: remoteId,
  has_row: hasRow,
  reason,
}: Status['parked'][number]): string {
  return remoteId !== null && (!hasRow || reason.code === 'claims_record')
    ? `${connection} (${remoteId})`
    : connection;
}

function standsOf({ has_row: hasRow, deleted, reason }: Status['parked'][number]): string {
  if (hasRow) return reason.code === 'remote_standing' ? ', an earlier object' : '';
  return deleted ? ', deleted here' : ', not pulled yet';
}

function queueLines({
  queue_depth: depth,
  oldest_pending_seconds: oldest,
  worker_silent_seconds: silent,
}: Status): string[] {
  const line = `Queue: ${depth} to look at${oldest === null ? '' : `, the oldest for ${duration(oldest)}`}.`;
  if (silent === null) return [line];
  return [
    line,
    `No worker has been heard for ${duration(silent)}. To do: see whether one runs; its log names what it waits for.`,
  ];
}

function parkedLines({ parked }: Status, nowMs: number, program: string): string[] {
  if (parked.length === 0) return [];
  return [
    '',
    'Parked, the newest first:',
    ...parked.flatMap((record) => [
      `  ${record.id}  ${placeOf(record)}, for ${ago(record.reason.since, nowMs)}${standsOf(record)}`,
      ...explain(record.reason).map((line) => `    ${line}`),
      ...(SHOWN_THERE.has(record.reason.code)
        ? [`    Both values, and the command that takes one: ${program} show ${record.id}`]
        : []),
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
export async function showStatus(server: Server, nowMs: number, program = 'counterpart'): Promise<Report> {
  const answer = await server.get('/status');
  const status = statusAnswer.parse(answer);
  const fine = isFine(status);
  const lines = [
    ...(status.connections.length === 0 ? ['No connection is known yet.'] : connectionLines(status, nowMs)),
    '',
    ...queueLines(status),
    ...parkedLines(status, nowMs, program),
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
