/** Laws of whole histories: what must be true when all is quiet. */
import { isDeepStrictEqual } from 'node:util';
import type { Fields, FieldValue } from '../../../src/core/fields';
import { anyHistory, live, LOOKS_MAX, picture } from './histories';
import type { Ended, History } from './histories';
import { must } from './law';
import type { Family, Law } from './law';
import { alike, FIELDS, form } from './values';
import type { FieldName } from './values';
import { shaped } from './world';
import type { PersonEvent, World } from './world';
import { look } from './worldLook';

/** Fields that may differ at the end, because a person is asked or was told. */
function excused({ asks, link }: World, field: string): boolean {
  const pair = link?.base[field];
  const dropped = pair !== undefined && form(field, pair.ours) !== null && form(field, pair.theirs) === null;
  return asks.includes(field) || dropped;
}

const equal: Law<Ended> = {
  name: 'I1 and I2: both sides stand equal field by field, or nothing stands on either; never a second object',
  hold({ world }) {
    const { record, link, intent, objects } = world;
    const living = objects.filter((object) => !object.deleted);
    must(living.length <= 1, 'no second object stands', objects);
    must(intent === null, 'no call is left open', intent);
    if (record.kind !== 'live') {
      return must(living.length === 0 || link?.detached === true, 'nothing is left there', {
        record,
        objects,
        link,
      });
    }
    const object = link?.object === null || link === null ? undefined : objects[link.object];
    must(link?.state === 'linked' && object?.deleted === false, 'it is linked to what stands there', {
      link,
      objects,
    });
    for (const field of FIELDS) {
      const same = alike(field, record.fields[field], object.fields[field]);
      must(same || excused(world, field), `${field} is equal`, {
        here: record.fields,
        there: object.fields,
        link,
      });
    }
  },
};

/** One value, as the remote forms it: what it shortens alike cannot be told apart there. */
function isSame({ shape }: World, field: FieldName, a: FieldValue, b: FieldValue): boolean {
  return alike(field, a, b) || alike(field, shaped(shape, field, a), shaped(shape, field, b));
}

/** A person's new value, to be accounted for. */
interface Written extends PersonEvent {
  readonly field: FieldName;
}

/** Whether the field had this value before: seen from the base, a return to it may be no change at all. */
function isReturn(world: World, { at, field, value }: Written): boolean {
  return world.log.some(
    (one) => one.at < at && one.field === field && isSame(world, field, one.value, value),
  );
}

/**
 * A person wrote over it, or deleted it, where it stood. A return to an older value counts as that older one. What the
 * remote drops nobody can see there: any later write or deletion does.
 */
function isOverwritten(world: World, one: Written): boolean {
  const { at, field, value, side } = one;
  const returned = isReturn(world, one);
  const dropped = form(field, shaped(world.shape, field, value)) === null;
  return world.log.some((other) => {
    const inTime = other.at > at || (returned && other.side !== side);
    const here = other.field === field || other.field === null;
    const unseen = dropped && side === 'here' && other.side === 'there';
    return inTime && here && (unseen || isSame(world, field, other.previous[field] ?? null, value));
  });
}

function isRecorded(world: World, one: Written): boolean {
  const { at, field, value } = one;
  const returned = isReturn(world, one);
  return world.lost.some(
    (loss) =>
      loss.field === field &&
      (loss.at > at || returned) &&
      (isSame(world, field, loss.ours, value) || isSame(world, field, loss.theirs, value)),
  );
}

/** Writes that no rule accounts for, each with its reason. */
function isExcused(world: World, { field, value, underDeletion }: Written): boolean {
  const emptied = form(field, value) === null;
  // What the remote drops was empty there all along.
  const wasEmpty = emptied && world.shape === 'drops plans' && field === 'plan';
  return underDeletion || wasEmpty || world.blurred.has(field);
}

const kept: Law<Ended> = {
  name: 'I3: every value written stands at the end, was overwritten by a person who saw it, or is a recorded lost value',
  hold({ world }) {
    const { record, lost, log } = world;
    const ends = [record.kind === 'live' ? record.fields : null, world.standing()?.fields ?? null];
    for (const one of log) {
      if (one.field === null || !one.isNew) continue;
      const written: Written = { ...one, field: one.field };
      const { field, value } = written;
      if (ends.some((side) => side !== null && isSame(world, field, side[field] ?? null, value))) continue;
      const accounted =
        isExcused(world, written) || isOverwritten(world, written) || isRecorded(world, written);
      must(accounted, `${one.side}, ${field} is kept`, { value, lost, ends });
    }
  },
};

const inventsNothing: Law<Ended> = {
  name: 'I4: every value at the end, and every value recorded as lost, was written by somebody, of that field',
  hold({ world: { record, objects, log, lost, shape } }) {
    for (const field of FIELDS) {
      const own = log.filter((one) => one.field === field).map((one) => one.value);
      const known = new Set([null, ...own, ...own.map((one) => shaped(shape, field, one))]);
      const sides = [
        ...(record.kind === 'absent' ? [] : [record.fields]),
        ...objects.map((object) => object.fields),
      ];
      for (const side of sides) must(known.has(side[field] ?? null), `${field} was written`, side);
      for (const one of lost) {
        if (one.field !== field) continue;
        must(known.has(one.ours) && known.has(one.theirs), `${field} lost what was written`, one);
      }
    }
  },
};

const gone: Law<Ended> = {
  name: 'I6: nothing deleted comes back but by a restore, and whichever of restore and deletion came last holds',
  hold({ world }) {
    must(world.resurrections.length === 0, 'no tombstone came back', world.resurrections);
    must(
      !world.deletedThere || world.record.kind !== 'live',
      'what was deleted there is deleted here',
      world.link,
    );
    must(!world.restored || world.record.kind === 'live', 'what was restored stands', world.link);
  },
};

const quiet: Law<Ended> = {
  name: 'I7: when input stops, writes stop within a few looks; and never are there more writes there than changes were made',
  hold({ history, world, looks }) {
    must(looks <= LOOKS_MAX, 'it comes to rest', world.link);
    // An altered value whose answer never came cannot be told from an edit, and may be sent once more.
    const blind = history.shape !== 'as written' && world.forgotten;
    must(blind || world.remoteWrites <= world.changes, 'one write for one change', [
      world.remoteWrites,
      world.changes,
    ]);
    const before = picture(world);
    look(world);
    must(picture(world) === before, 'looked at once more, nothing moves', history.start);
  },
};

const anyWeather: Law<Ended> = {
  name: 'I8: held back until all is done, the same deeds end the same in any weather: answers lost, calls lost, keys forgotten',
  hold({ history, clear, stormy }) {
    // An altered or dropped value whose answer never came cannot be told from an edit: it may be asked about, or taken.
    const blind = (field: FieldName) =>
      shaped(history.shape, field, 1) === null && history.rules.onConflict[field] === 'remote';
    const asked = (field: FieldName) => clear.asks.includes(field) || stormy.asks.includes(field);
    const fields = FIELDS.filter((field) => !asked(field) && !blind(field));
    const forms = (of: Fields) => fields.map((field) => form(field, of[field]));
    const sides = ({ record, objects }: World) => [
      record.kind,
      record.kind === 'absent' ? null : forms(record.fields),
      objects.filter((object) => !object.deleted).map((object) => forms(object.fields)),
    ];
    must(isDeepStrictEqual(sides(stormy), sides(clear)), 'the same end', {
      stormy: sides(stormy),
      clear: sides(clear),
    });
    // Nor is it then known that its loss was recorded.
    if (history.shape !== 'as written') return;
    const losers = ({ lost }: World) =>
      lost.map((one) => [one.field, form(one.field, one.ours), form(one.field, one.theirs)]);
    must(isDeepStrictEqual(losers(stormy), losers(clear)), 'the same losses', [
      losers(stormy),
      losers(clear),
    ]);
  },
};

export const WORLDS: Family<History, Ended> = {
  name: 'worlds',
  sharePercent: 15,
  cases: anyHistory,
  see(history, tally) {
    const seen = live(history, tally);
    tally.note([seen.world.record, seen.world.objects, seen.world.lost]);
    return seen;
  },
  laws: [equal, kept, inventsNothing, gone, quiet, anyWeather],
};
