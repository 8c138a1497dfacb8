import type { Call, Result, Waiting } from '../call';
import { changed, result } from '../call';
import type { IntentRow } from '../schema';
import { tellIntentChanged, tellIntentMade } from '../told';
import { change, insert, refer } from '../writing';
import { INTENT } from '../forms';
import { known } from './known';
import type { Known } from './known';

const HOUR_MS = 3_600_000;
/** `KEY_LIFE_HOURS` */
const KEY_LIFE_MS = 23 * HOUR_MS;

const seconds = (at: number | null): number | null => (at === null ? null : Math.floor(at / 1000));

function columns(call: Call, intent: IntentRow) {
  const { first_sent_at: sent } = intent;
  return Object.assign(INTENT(intent, intent.life), {
    first_sent_at: seconds(sent),
    last_sent_at: seconds(intent.last_sent_at),
    in_doubt: intent.sends > intent.unbegun,
    sought: intent.absent_at !== null || intent.trace_place !== null,
    key_expired: sent !== null && sent < call.now - KEY_LIFE_MS,
  });
}

/** `ABSENCE_APART_S` */
const ABSENCE_APART_MS = 10_000;

function* noteAbsence(call: Call, [key, fence]: [string, number]): Waiting<Result> {
  const { rowCount } = yield* changeOpen(call, key, isFenced(call, fence), (row) => ({
    ...row,
    absent_at: row.absent_at ?? call.now,
    trace_place: null,
  }));
  if (rowCount === 0) return changed(0);
  const absent = call.tables.intents.read(call, key)?.absent_at ?? call.now;
  return result([{ proven: absent <= call.now - ABSENCE_APART_MS }]);
}

type Written = [key: string, linkId: number, kind: string, values: string, replaces: string, version: number];

function keepLink(call: Call, linkId: number): void {
  const from = { table: 'intents', constraint: 'intents_link_id_fkey' };
  call.atEnd(() => refer(call, call.tables.links, linkId, from));
}

function* openIntent(call: Call, [key, linkId, kind, values, replaces, version]: Written): Waiting<Result> {
  const link = call.tables.links.read(call, linkId);
  if (link === null) return result([]);
  const row = yield* insert<IntentRow>(call, call.tables.intents, {
    key,
    link_id: linkId,
    kind,
    values: JSON.parse(values) as IntentRow['values'],
    replaces: JSON.parse(replaces) as IntentRow['replaces'],
    version,
    look_id: link.look_id,
    created_at: call.now,
    first_sent_at: null,
    last_sent_at: null,
    sends: 0,
    unbegun: 0,
    absent_at: null,
    trace_place: null,
    ended_at: null,
    ending: null,
    request_id: null,
  });
  keepLink(call, linkId);
  tellIntentMade(call, row!);
  return result([columns(call, row!)]);
}

/** UPDATE of an intent that is open. */
function* changeOpen(
  call: Call,
  key: string,
  where: (intent: IntentRow) => boolean,
  by: (intent: IntentRow) => IntentRow,
): Waiting<Result> {
  const slot = call.tables.intents.slots.get(key);
  if (slot === undefined) return changed(0);
  const isMeant = (row: IntentRow): boolean => row.ended_at === null && where(row);
  const written = yield* change(call, slot, 'no key update', isMeant, by);
  if (written === null) return changed(0);
  if (written.rewritten) keepLink(call, written.after.link_id);
  tellIntentChanged(call, written.before, written.after);
  return changed(1);
}

/** The intent is joined with its link as it stood when the statement began; only the intent is held, and asked again. */
function isFenced(call: Call, fence: number): (intent: IntentRow) => boolean {
  return (intent) => call.tables.links.read(call, intent.link_id)?.fence === fence;
}

/** Of the links' open intents: they are given up. */
function* supersedeOpen(call: Call, linkId: number): Waiting<Result> {
  let ended = 0;
  for (const intent of call.tables.intents.filter(
    call,
    (row) => row.link_id === linkId && row.ended_at === null,
  ))
    ended += (yield* changeOpen(
      call,
      intent.key,
      () => true,
      (row) => superseded(call, row),
    )).rowCount;
  return changed(ended);
}

const superseded = (call: Call, row: IntentRow): IntentRow => ({
  ...row,
  ended_at: call.now,
  ending: 'superseded',
  values: null,
});

function ofOpen(call: Call, [linkId]: [number]): Result {
  const intent = call.tables.intents.first(call, (row) => row.link_id === linkId && row.ended_at === null);
  return result(intent === null ? [] : [columns(call, intent)]);
}

function byKey(call: Call, [key]: [string]): Result {
  const intent = call.tables.intents.read(call, key);
  const link = intent === null ? null : call.tables.links.read(call, intent.link_id);
  return result(
    intent === null || link === null
      ? []
      : [Object.assign(INTENT(intent, intent.life), { record_id: link.record_id })],
  );
}

function openCreates(call: Call, values: [string, string, string]): Result {
  const [connection, catalog, recordId] = values;
  const links = call.tables.links.filter(
    call,
    (row) => row.record_id === recordId && row.connection === connection && row.catalog === catalog,
  );
  if (links.length === 0) return result([]);
  return result(
    call.tables.intents.filter(
      call,
      (row) => row.kind === 'create' && row.ended_at === null && links.some(({ id }) => id === row.link_id),
    ),
  );
}

function lastDeletion(call: Call, [linkId]: [number]): Result {
  const deletions = call.tables.intents.filter(
    call,
    (row) => row.link_id === linkId && row.kind === 'delete' && row.sends > row.unbegun,
  );
  deletions.sort((a, b) => b.created_at - a.created_at || b.first_sent_at! - a.first_sent_at!);
  return result(deletions.slice(0, 1));
}

export const INTENTS: readonly Known[] = [
  known('insert into counterpart.intents', openIntent),
  known(/from counterpart\.intents where link_id = \$1 and ended_at is null$/, ofOpen),
  known(
    /set sends = sends \+ 1[^]*and \(i\.kind = 'delete' or i\.first_sent_at is null or i\.first_sent_at >= now\(\)/,
    (call, [key, fence]: [string, number]) => {
      const fenced = isFenced(call, fence);
      const isYoung = ({ kind, first_sent_at: sent }: IntentRow): boolean =>
        kind === 'delete' || sent === null || sent >= call.now - KEY_LIFE_MS;
      return changeOpen(
        call,
        key,
        (row) => fenced(row) && isYoung(row),
        (row) => ({
          ...row,
          sends: row.sends + 1,
          first_sent_at: row.first_sent_at ?? call.now,
          last_sent_at: call.now,
        }),
      );
    },
  ),
  known('set unbegun = unbegun + 1', (call, [key, fence]: [string, number]) => {
    const fenced = isFenced(call, fence);
    return changeOpen(
      call,
      key,
      (row) => row.unbegun < row.sends && fenced(row),
      (row) => ({ ...row, unbegun: row.unbegun + 1 }),
    );
  }),
  known('set absent_at = coalesce(absent_at, now())', noteAbsence),
  known('set trace_place = $3', (call, [key, fence, place]: [string, number, string]) =>
    changeOpen(call, key, isFenced(call, fence), (row) => ({ ...row, trace_place: place })),
  ),
  known('set replaces = replaces || $2::jsonb', (call, [key, replaces]: [string, string]) =>
    changeOpen(
      call,
      key,
      () => true,
      (row) => ({
        ...row,
        replaces: { ...row.replaces, ...(JSON.parse(replaces) as IntentRow['replaces']) },
      }),
    ),
  ),
  known(
    "set ended_at = now(), ending = 'superseded', values = null\n     where link_id = $1",
    (call, [linkId]: [number]) => supersedeOpen(call, linkId),
  ),
  known(
    'set ended_at = now(), ending = $2, request_id = $3, values = null',
    (call, [key, ending, requestId]: [string, string, string | null]) =>
      changeOpen(
        call,
        key,
        () => true,
        (row) => ({ ...row, ended_at: call.now, ending, request_id: requestId, values: null }),
      ),
  ),
  known(
    'and l.fence = $2 and i.sends = i.unbegun and i.ended_at is null',
    (call, [key, fence]: [string, number]) => {
      const fenced = isFenced(call, fence);
      return changeOpen(
        call,
        key,
        (row) => row.sends === row.unbegun && fenced(row),
        (row) => superseded(call, row),
      );
    },
  ),
  known("kind = 'delete' and sends > unbegun", lastDeletion),
  known('select i.link_id, l.record_id, i.kind, i.replaces', byKey),
  known("i.kind = 'create' and i.ended_at is null", openCreates),
];
