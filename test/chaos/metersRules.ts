/** I18: what the processes tell Prometheus agrees with what the oracle knows. */
import { countsBy } from '../environment/counts';
import { sumBy } from '../environment/scrape';
import type { Sample } from '../environment/scrape';
import type { Lifetime, Metered } from './meters';
import type { Noted } from './requests';
import { isParked, liveLinks, violation } from './rule';
import type { Row, Seen } from './seen';
import type { Violation } from './violation';

export interface Known extends Seen {
  /** Rows of the inbox, by what was made of them. */
  readonly eventsByResult: Readonly<Record<string, number>>;
  /** Runs that Temporal lists as failed. */
  readonly failedRuns: number;
}

type Counts = Readonly<Record<string, number>>;

/** Every key of either side, with what is told and what is known of it. */
function pairs(told: Counts, known: Counts): Array<[key: string, told: number, known: number]> {
  const keys = [...new Set([...Object.keys(told), ...Object.keys(known)])].toSorted();
  return keys.map((key) => [key, told[key] ?? 0, known[key] ?? 0]);
}

function unequal(where: string, told: Counts, known: Counts): Violation[] {
  return pairs(told, known)
    .filter(([, a, b]) => a !== b)
    .map(([key, a, b]) => violation('I18', `${where}{${key}} is ${a}, and it is ${b}`));
}

function beyond(where: string, told: Counts, known: Counts): Violation[] {
  return pairs(told, known)
    .filter(([, a, b]) => a > b)
    .map(([key, a, b]) => violation('I18', `${where}{${key}} is ${a}, and there were ${b}`));
}

const named = (rows: readonly Row[], column: string): Counts =>
  countsBy(
    rows.filter((row) => row[column] !== null),
    ({ name }) => String(name),
  );

/** Told whatever their value is; a reason for which nothing is parked is not told of. */
const ALWAYS_TOLD = [
  'counterpart_queue_depth',
  'counterpart_oldest_pending_seconds',
  'counterpart_connection_paused',
  'counterpart_breaker_open',
] as const;

/** What stands in Postgres, by the word of each api. */
function gauges({ process, samples }: Lifetime, known: Known): Violation[] {
  const parked = liveLinks(known).filter(isParked);
  const waits = known.queue.some(({ waiting_on: on }) => Array.isArray(on) && on.length === 0);
  const oldest = sumBy(samples, 'counterpart_oldest_pending_seconds')[''] ?? 0;
  const missing = ALWAYS_TOLD.filter((gauge) => samples.every(({ name }) => name !== gauge));
  return [
    ...missing.map((gauge) => violation('I18', `${process} does not tell of ${gauge}`)),
    ...unequal(`${process}: counterpart_queue_depth`, sumBy(samples, 'counterpart_queue_depth'), {
      '': known.queue.length,
    }),
    ...unequal(
      `${process}: counterpart_parked`,
      sumBy(samples, 'counterpart_parked', 'reason'),
      countsBy(parked, ({ reason }) => String(reason?.code)),
    ),
    ...unequal(
      `${process}: counterpart_connection_paused`,
      sumBy(samples, 'counterpart_connection_paused', 'connection'),
      named(known.connections, 'paused_at'),
    ),
    ...unequal(
      `${process}: counterpart_breaker_open`,
      sumBy(samples, 'counterpart_breaker_open', 'connection'),
      named(known.connections, 'down_since'),
    ),
    ...(waits || oldest === 0
      ? []
      : [violation('I18', `${process}: counterpart_oldest_pending_seconds is ${oldest}, and nothing waits`)]),
  ];
}

/** What the worker counts in Temporal; missing while that does not answer, and it does in the end. */
function failedRuns({ process, samples }: Lifetime, known: Known): Violation[] {
  const told = samples.find(({ name }) => name === 'counterpart_failed_runs')?.value;
  return told === known.failedRuns
    ? []
    : [violation('I18', `${process}: counterpart_failed_runs is ${told}, and it is ${known.failedRuns}`)];
}

/** As the worker names its calls; null for what it does not count by itself. */
export function operationOf({
  method,
  path,
  params,
}: Pick<Noted, 'method' | 'path' | 'params'>): string | null {
  const [, one] = /^\/v1\/customers(?:\/([^/?]+))?$/.exec(path.split('?')[0] ?? '') ?? [null, null];
  if (one === null) return null;
  if (method === 'DELETE') return 'delete';
  if (method === 'POST') return one === undefined ? 'create' : 'update';
  if (one !== undefined) return 'read';
  return typeof params === 'object' && params !== null && 'email' in params ? 'findAlike' : 'list';
}

const wasAnswered = ({ status }: Noted): boolean => status !== null && status < 400;

/** Over all lives: a killed process may have counted less than happened, and none may have counted more. */
function counters(lifetimes: readonly Lifetime[], known: Known): Violation[] {
  const samples: Sample[] = lifetimes.flatMap((lifetime) => lifetime.samples);
  const operations = new Set(['create', 'update', 'delete', 'read', 'list', 'findAlike']);
  const calls = samples.filter(
    ({ labels }) => labels['outcome'] === 'ok' && operations.has(labels['operation'] ?? ''),
  );
  const answered = known.requests.filter(wasAnswered).flatMap((noted) => operationOf(noted) ?? []);
  const made = new Set(['queued', 'echo', 'ignored', 'retired', 'void']);
  const heard = samples.filter(({ labels }) => made.has(labels['result'] ?? ''));
  return [
    ...beyond(
      'counterpart_remote_calls_total',
      sumBy(calls, 'counterpart_remote_calls_total', 'operation'),
      countsBy(answered, String),
    ),
    ...beyond(
      'counterpart_webhooks_total',
      sumBy(heard, 'counterpart_webhooks_total', 'result'),
      known.eventsByResult,
    ),
    ...lifetimes.flatMap(({ process, samples: own }) =>
      unequal(`${process}: counterpart_echoes_total`, sumBy(own, 'counterpart_echoes_total'), {
        '': sumBy(own, 'counterpart_webhooks_total', 'result')['echo'] ?? 0,
      }),
    ),
  ];
}

export function judgeMeters({ lifetimes, living, backwards }: Metered, known: Known): Violation[] {
  const of = (room: string): Lifetime[] => living.filter(({ process }) => process.startsWith(room));
  return [
    ...of('api').flatMap((api) => gauges(api, known)),
    ...of('worker').flatMap((worker) => failedRuns(worker, known)),
    ...backwards.map((what) => violation('I18', `a counter went backwards: ${what}`)),
    ...counters(lifetimes, known),
  ];
}
