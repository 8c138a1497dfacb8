/** `writeFenced` puts its SET list together from the patch: it is read from the text, once for each text. */
import type { Base } from '../../../../src/core/fields';
import type { Reason } from '../../../../src/core/reason';
import { changed, result } from '../call';
import type { Call } from '../call';
import { isLive } from '../schema';
import type { LinkRow } from '../schema';
import { known, knownByText } from './known';
import type { Known, Statement } from './known';
import { updateLink } from '../linkWrites';

/** Changes what `next` shall be; `row` is the row before the statement. */
type Setter = (next: Writable, row: LinkRow, value: never, call: Call, values: readonly unknown[]) => void;
type Writable = { -readonly [Name in keyof LinkRow]: LinkRow[Name] };

const json = (text: string | null): unknown => (text === null ? null : JSON.parse(text));

/** The clock of a reason starts when its code first appears. */
function sinceWhen(row: LinkRow, reason: Reason | null, now: number): number | null {
  if (reason === null) return null;
  return row.reason?.code === reason.code ? (row.reason_since ?? now) : now;
}

const SETTERS: ReadonlyArray<readonly [RegExp, Setter]> = [
  [
    /\bset state = \$(\d+)::text|, state = \$(\d+)::text/,
    (next, _, value: LinkRow['state']) => (next.state = value),
  ],
  [/\bremote_id = \$(\d+)::text/, (next, _, value: string) => (next.remote_id = value)],
  [/\bbase = \$(\d+)::jsonb/, (next, _, value: string) => (next.base = json(value) as Base)],
  [/\bswings = \$(\d+)::jsonb/, (next, _, value: string) => (next.swings = json(value) as LinkRow['swings'])],
  [
    /\brefused = nullif\(\$(\d+)::jsonb/,
    (next, _, value: string | null) => (next.refused = json(value) as LinkRow['refused']),
  ],
  [/\bagreed_version = \$(\d+)::bigint/, (next, _, value: number) => (next.agreed_version = value)],
  [/\boutcome = \$(\d+)::text/, (next, _, value: LinkRow['outcome']) => (next.outcome = value)],
  [
    /\breason = nullif\(\$(\d+)::jsonb/,
    (next, row, value: string | null, call) => {
      next.reason = json(value) as Reason | null;
      next.reason_since = sinceWhen(row, next.reason, call.now);
    },
  ],
  [
    /\bdecision = \$(\d+)::jsonb \|\| jsonb_build_object\('fence', \$2::bigint\)/,
    (next, _, value: string, __, values) =>
      (next.decision = Object.assign(json(value) as NonNullable<LinkRow['decision']>, { fence: values[1] })),
  ],
  [/\bdetached = \$(\d+)::boolean/, (next, _, value: boolean) => (next.detached = value)],
  [/\bpossible_duplicate = \$(\d+)::boolean/, (next, _, value: boolean) => (next.possible_duplicate = value)],
  [
    /\bremote_deleted_at = case when \$(\d+)::boolean/,
    (next, row, value: boolean, call) =>
      (next.remote_deleted_at = value ? (row.remote_deleted_at ?? call.now) : null),
  ],
  [
    /\blast_synced_at = case when \$(\d+)::boolean/,
    (next, _, value: boolean, call) => (next.last_synced_at = value ? call.now : null),
  ],
  [/\bwaits = \$(\d+)::integer/, (next, _, value: number) => (next.waits = value)],
];

function readSetters(text: string): Statement {
  const list = /set ([\s\S]*) where id = \$1 and fence = \$2$/.exec(text)?.[1] ?? '';
  const setters = SETTERS.flatMap(([pattern, set]) => {
    const found = pattern.exec(` set ${list}`);
    const place = found?.[1] ?? found?.[2];
    return place === undefined ? [] : [{ set, at: Number(place) - 1 }];
  });
  const places = new Set(
    [...list.matchAll(/\$(\d+)/g)].map(([, place]) => place).filter((place) => place !== '2'),
  );
  if (setters.length === 0 || places.size !== setters.length)
    throw new Error(`The memory Postgres does not know all that is set in: ${text}`);
  return function* writeFenced(call, values) {
    const link = yield* updateLink(
      call,
      values[0] as number,
      (row) => row.fence === values[1],
      (row) => {
        const next: Writable = { ...row };
        for (const { set, at } of setters) set(next, row, values[at] as never, call, values);
        return next;
      },
    );
    return changed(link === null ? 0 : 1);
  };
}

export const FENCED_WRITES: readonly Known[] = [
  knownByText(/^update counterpart\.links set [^]* where id = \$1 and fence = \$2$/, readSetters),
  known(
    /set outcome = \$3, waits = waits \+ 1[^]*look_id = \$2 and state in \('reserved', 'linked', 'deleting'\)/,
    function* markUnfinished(call, [id, lookId, outcome, why]: [number, number, LinkRow['outcome'], string]) {
      const reason = JSON.parse(why) as Reason;
      const link = yield* updateLink(
        call,
        id,
        (row) => row.look_id === lookId && isLive(row.state),
        (row) => ({
          ...row,
          outcome,
          waits: row.waits + 1,
          reason,
          reason_since: sinceWhen(row, reason, call.now),
        }),
      );
      return result(link === null ? [] : [link]);
    },
  ),
];
