import type { RequestHandler, Router } from 'express';
import { z } from 'zod';
import { countParked, listParked } from '../store/parked';
import { countStates, readPolls, readQueue, SYNC_STATES } from '../store/syncState';
import type { SyncState } from '../store/syncState';
import { answering, json } from './answer';
import { connectionBody } from './connections';
import { presentReason } from './customers/present';
import { reasonBody } from './customers/shapes';
import type { ApiDeps } from './deps';
import { parseQuery } from './input';
import { resource } from './resource';

/** Counting reads every record: several consoles that ask each second share one reading. */
const COUNTS_KEPT_MS = 2_000;
/** So many of those parked last, unless more are asked for: an object that was never pulled is listed nowhere else. */
const PARKED_SHOWN = 20;
const PARKED_SHOWN_MAX = 1_000;
/** A worker looks at the queue every 2 s at the latest, and where all its places are taken they are free again after 10. */
const WORKER_SILENT_S = 15;
const parkedLimitMend = `It must be a whole number, 1..${PARKED_SHOWN_MAX}.`;

export const statusQuery = z.strictObject({
  parked_limit: z
    .string()
    .regex(/^\d{1,4}$/, { error: parkedLimitMend })
    .transform(Number)
    .refine((many) => many >= 1 && many <= PARKED_SHOWN_MAX, { error: parkedLimitMend })
    .default(PARKED_SHOWN)
    .meta({
      description: 'How many of the records parked last are listed.',
      override: { type: 'integer', minimum: 1, maximum: PARKED_SHOWN_MAX, default: PARKED_SHOWN },
    }),
});

const counts = z.record(z.enum(SYNC_STATES), z.int());

export const statusBody = z
  .object({
    counts: counts.meta({ description: 'Records by state, summed over the connections.' }),
    queue_depth: z.int().meta({ description: 'Records that need a look.' }),
    oldest_pending_seconds: z
      .number()
      .nullable()
      .meta({ description: 'Age of the oldest hint that no look has answered, seconds.' }),
    oldest_waiting_seconds: z
      .number()
      .nullable()
      .meta({ description: 'Age of the oldest hint that waits for a connection, seconds.' }),
    worker_silent_seconds: z
      .number()
      .nullable()
      .meta({
        description:
          `Since a worker last took a record from the queue, while one is due: ${WORKER_SILENT_S} or more, and no worker runs, ` +
          'or none reaches Postgres. Null: what is due is taken, or nothing is due.',
      }),
    connections: z.array(
      connectionBody.extend({
        counts,
        parked_by_reason: z.record(z.string(), z.int()),
        poll: z
          .object({
            polled_seconds_ago: z.number().meta({ description: 'Seconds since the list was last read.' }),
            cursor_age_seconds: z
              .number()
              .nullable()
              .meta({ description: 'Age of the newest event that was read, seconds; null while none was.' }),
          })
          .nullable()
          .meta({ description: 'How far its event list was read; null where it is not read.' }),
      }),
    ),
    parked: z
      .array(
        z.object({
          id: z.uuid(),
          connection: z.string(),
          remote_id: z.string().nullable(),
          has_row: z.boolean().meta({
            description:
              'False while it stands only in the other system, and when it was deleted here (`deleted`).',
          }),
          deleted: z
            .boolean()
            .meta({ description: 'Whether it was deleted here; its deletion there is what is parked.' }),
          reason: reasonBody,
        }),
      )
      .meta({
        description:
          `The ${PARKED_SHOWN} parked last, or as many as \`parked_limit\` says. GET /customers?sync_state=parked&include_deleted=true ` +
          'pages through all of them but those that were never pulled (`has_row` and `deleted` both false). What is queued to be looked at again is not listed meanwhile.',
      }),
  })
  .meta({ id: 'Status' });

type Counts = Record<SyncState, number>;

function none(): Counts {
  return { pending: 0, in_sync: 0, waiting: 0, parked: 0, paused: 0, deleted: 0 };
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.max(0, Math.round(value * 10) / 10);
}

function silent(unclaimedS: number | null): number | null {
  return unclaimedS === null || unclaimedS < WORKER_SILENT_S ? null : rounded(unclaimedS);
}

function sum(all: Iterable<Counts>): Counts {
  const total = none();
  for (const one of all) for (const state of SYNC_STATES) total[state] += one[state];
  return total;
}

/** The counts, read anew when the last reading is older than `COUNTS_KEPT_MS`; readers at the same time share one. */
function keptCounts({ database, clock }: ApiDeps): () => ReturnType<typeof countStates> {
  let kept: { at: number; counts: ReturnType<typeof countStates> } | null = null;
  return () => {
    const now = clock.now();
    if (kept === null || now - kept.at >= COUNTS_KEPT_MS || now < kept.at) {
      const reading = countStates(database);
      kept = { at: now, counts: reading };
      // A failed reading is told to those who wait for it and kept for nobody else.
      reading.catch(() => {
        kept = null;
      });
    }
    return kept.counts;
  };
}

function readStatus(deps: ApiDeps): RequestHandler {
  const countsNow = keptCounts(deps);
  return answering(async (request) => {
    const { database } = deps;
    const { parked_limit: parkedLimit } = parseQuery(statusQuery, request.url);
    const [states, queue, parkedBy, parked, polls, connections] = await Promise.all([
      countsNow(),
      readQueue(database),
      countParked(database),
      listParked(database, parkedLimit),
      readPolls(database),
      deps.connections.list(),
    ]);
    const pollOf = (name: string) => {
      const poll = polls.get(name);
      return poll === undefined
        ? null
        : { polled_seconds_ago: rounded(poll.polledAgoS), cursor_age_seconds: rounded(poll.cursorAgeS) };
    };
    return json(200, {
      counts: sum(states.values()),
      queue_depth: queue.depth,
      oldest_pending_seconds: rounded(queue.oldestPendingS),
      oldest_waiting_seconds: rounded(queue.oldestWaitingS),
      worker_silent_seconds: silent(queue.unclaimedS),
      connections: connections.map((connection) => ({
        ...connection,
        counts: states.get(connection.name) ?? none(),
        parked_by_reason: Object.fromEntries(
          parkedBy.filter((row) => row.connection === connection.name).map((row) => [row.code, row.links]),
        ),
        poll: pollOf(connection.name),
      })),
      parked: parked.map((record) => ({
        id: record.recordId,
        connection: record.connection,
        remote_id: record.remoteId,
        has_row: record.hasRow,
        deleted: record.deleted,
        reason: presentReason(record.reason),
      })),
    });
  });
}

/** `GET /status`: what is not in sync, why, and since when. */
export function routeStatus(router: Router, deps: ApiDeps): void {
  resource(router, '/status', { get: readStatus(deps) });
}
