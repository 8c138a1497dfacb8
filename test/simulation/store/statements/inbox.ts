/** Cursors of event lists, and endpoints that we registered. */
import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import type { CursorRow, EndpointRow } from '../schema';
import { holdSeen, insert, remove, upsert } from '../writing';
import { changeRow } from './connections';
import { byText, date, known } from './known';
import type { Known } from './known';

const ANY = (): boolean => true;

function readCursor(call: Call, [connection]: [string]): Result {
  const row = call.tables.cursors.read(call, connection);
  if (row === null) return result([]);
  return result([
    {
      created: Math.floor(row.event_created_at / 1000),
      overlap_age_ms: Math.floor(call.now - row.overlapped_at),
      polled_age_ms: Math.floor(call.now - row.polled_at),
    },
  ]);
}

function* changeCursor(
  call: Call,
  connection: string,
  where: (row: CursorRow) => boolean,
  change: (row: CursorRow) => CursorRow,
): Waiting<Result> {
  const row = yield* changeRow(call, call.tables.cursors, connection, where, change);
  return changed(row === null ? 0 : 1);
}

export const CURSORS: readonly Known[] = [
  known(
    'insert into counterpart.event_cursors',
    function* start(call, [connection, createdAt]: [string, number]) {
      const fresh = {
        connection,
        event_created_at: createdAt * 1000,
        polled_at: call.now,
        poller: null,
        lease_until: -Infinity,
        overlapped_at: call.now,
      };
      const row = yield* insert<CursorRow>(call, call.tables.cursors, fresh, 'nothing');
      return changed(row === null ? 0 : 1);
    },
  ),
  known('select floor(extract(epoch from event_created_at))::bigint as created', readCursor),
  known(
    'set polled_at = now(),',
    (call, [connection, createdAt, overlapped]: [string, number | null, boolean]) =>
      changeCursor(call, connection, ANY, (row) => ({
        ...row,
        polled_at: call.now,
        event_created_at: Math.max(row.event_created_at, (createdAt ?? 0) * 1000),
        overlapped_at: overlapped ? call.now : row.overlapped_at,
      })),
  ),
  known(
    'set poller = $2, lease_until = now() +',
    (call, [connection, poller, leaseMs]: [string, string, number]) =>
      changeCursor(
        call,
        connection,
        (row) => row.poller === poller || row.lease_until < call.now,
        (row) => ({ ...row, poller, lease_until: call.now + leaseMs }),
      ),
  ),
  known("set lease_until = '-infinity'", (call, [connection, poller]: [string, string]) =>
    changeCursor(
      call,
      connection,
      (row) => row.poller === poller,
      (row) => ({ ...row, lease_until: -Infinity }),
    ),
  ),
];

function* keepEndpoint(
  call: Call,
  fresh: Omit<EndpointRow, 'life'>,
  change: (before: EndpointRow) => EndpointRow,
): Waiting<Result> {
  yield* upsert<EndpointRow>(
    call,
    call.tables.endpoints,
    { index: null, mode: 'no key update' },
    fresh,
    change,
  );
  return changed(1);
}

type Made = [connection: string, url: string, endpointId: string, secret: string];
type Trouble = [connection: string, url: string, trouble: string, detail: string | null];

export const ENDPOINTS: readonly Known[] = [
  known('select connection, url, endpoint_id, trouble, trouble_detail, since', (call) => {
    const rows = [...call.tables.endpoints.rows(call)];
    return result(
      rows
        .toSorted((a, b) => byText(a.connection, b.connection))
        .map((row) => ({ ...row, since: date(row.since) })),
    );
  }),
  known('select secret from counterpart.webhook_endpoints', (call, [connection]: [string]) => {
    const row = call.tables.endpoints.read(call, connection);
    return result(row === null || row.secret === null ? [] : [row]);
  }),
  known('(connection, url, endpoint_id, secret) values', (call, values: Made) => {
    const [connection, url, endpoint_id, secret] = values;
    const made = {
      connection,
      url,
      endpoint_id,
      secret,
      trouble: null,
      trouble_detail: null,
      since: call.now,
    };
    return keepEndpoint(call, made, (before) => ({ ...before, ...made }));
  }),
  known(
    'set url = $2, trouble = null, trouble_detail = null,\n',
    function* standing(call, [connection, url]: [string, string]) {
      const row = yield* changeRow(call, call.tables.endpoints, connection, ANY, (before) => ({
        ...before,
        url,
        trouble: null,
        trouble_detail: null,
        since: before.url === url && before.trouble === null ? before.since : call.now,
      }));
      return changed(row === null ? 0 : 1);
    },
  ),
  known('(connection, url, trouble, trouble_detail) values', (call, values: Trouble) => {
    const [connection, url, trouble, trouble_detail] = values;
    const noted = { connection, url, trouble, trouble_detail };
    return keepEndpoint(call, { ...noted, endpoint_id: null, secret: null, since: call.now }, (before) => ({
      ...before,
      ...noted,
      since: before.trouble === trouble ? before.since : call.now,
    }));
  }),
  known('delete from counterpart.webhook_endpoints', function* forget(call, [connection]: [string]) {
    const slot = call.tables.endpoints.slots.get(connection);
    const row = slot && (yield* holdSeen(call, slot, 'update', ANY));
    if (!row) return changed(0);
    remove(call, slot);
    return changed(1);
  }),
];
