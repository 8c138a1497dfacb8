/** INSERT and UPDATE of links with their constraints and triggers, as several statements need them. */
import type { Call, Waiting } from './call';
import { CODES, DatabaseFailure } from './failure';
import { LINK } from './forms';
import type { LinkRow } from './schema';
import type { LockMode, Slot } from './table';
import { tellLinkChanged, tellLinkMade } from './told';
import { change, insert } from './writing';

/** `COLUMNS` of src/store/links.ts. */
export function linkColumns(call: Call, link: LinkRow): object {
  const connection = call.tables.connections.read(call, link.connection);
  return Object.assign(LINK(link, link.life), {
    read_at_s: Math.floor(call.now / 1000),
    remote_deleted: link.remote_deleted_at !== null,
    paused: connection !== null && (connection.paused_at !== null || connection.recovering_since !== null),
    down: connection !== null && connection.down_since !== null,
  });
}

type NewLink = Pick<LinkRow, 'connection' | 'catalog' | 'record_id' | 'generation' | 'state' | 'born'> &
  Partial<LinkRow>;

export function* insertLink(
  call: Call,
  link: NewLink,
  onConflict: 'error' | 'nothing' = 'nothing',
): Waiting<LinkRow | null> {
  const row = yield* insert<LinkRow>(
    call,
    call.tables.links,
    {
      remote_id: null,
      base: {},
      agreed_version: null,
      look_id: 0,
      fence: 0,
      run_id: null,
      remote_deleted_at: null,
      detached: false,
      possible_duplicate: false,
      swings: {},
      refused: null,
      outcome: 'pending',
      reason: null,
      reason_since: null,
      decision: null,
      last_synced_at: null,
      waits: 0,
      ...link,
      id: call.memory.link_id.next(),
      created_at: call.now,
    },
    onConflict,
  );
  if (row !== null) tellLinkMade(call, row);
  return row;
}

/** The record id is part of a key that a foreign key could name: only who changes its value shuts those out who refer to the link. */
const lockFor = (before: LinkRow, after: LinkRow): LockMode =>
  before.record_id === after.record_id ? 'no key update' : 'update';

function* write(
  call: Call,
  slot: Slot<LinkRow>,
  where: (link: LinkRow) => boolean,
  by: (link: LinkRow) => LinkRow,
): Waiting<LinkRow | null> {
  const checked = (link: LinkRow): LinkRow => {
    const after = by(link);
    if ((after.state === 'linked' || after.state === 'deleting') && after.remote_id === null)
      throw new DatabaseFailure(CODES.check, 'new row of "links" violates a check', {
        table: 'links',
        constraint: 'links_check',
      });
    return after;
  };
  const written = yield* change(call, slot, lockFor, where, checked);
  if (written === null) return null;
  tellLinkChanged(call, written.before, written.after);
  return written.after;
}

/** UPDATE of the links that meet the condition. @returns them as they stand then */
export function* updateLinks(
  call: Call,
  where: (link: LinkRow) => boolean,
  by: (link: LinkRow) => LinkRow,
): Waiting<LinkRow[]> {
  const written: LinkRow[] = [];
  for (const slot of call.tables.links.slots.values()) {
    const link = yield* write(call, slot, where, by);
    if (link !== null) written.push(link);
  }
  return written;
}

/** As `updateLinks`, of the link with this id. */
export function* updateLink(
  call: Call,
  id: number,
  where: (link: LinkRow) => boolean,
  by: (link: LinkRow) => LinkRow,
): Waiting<LinkRow | null> {
  const slot = call.tables.links.slots.get(id);
  return slot === undefined ? null : yield* write(call, slot, where, by);
}
