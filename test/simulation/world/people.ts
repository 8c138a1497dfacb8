/** What people do in the remote systems themselves, and who an object stands for in the story. */
import type { MemorySystem } from '../../../src/connectors/memory';
import { markName } from '../../../src/connectors/connector';
import type { Fields } from '../../../src/core/fields';
import type { RecordId, RemoteId } from '../../../src/core/ids';
import type { Effect } from './ledger';
import { formOf, refusedField } from './forms';
import { recordOf } from './plan';
import type { Deed, PlannedConnection, Where, Who } from './plan';

export type DeedThere = Extract<Deed, { kind: 'edit there' | 'plant there' | 'erase there' | 'copy mark' }>;

/** What came of it. `refused`: nothing stands there to do it to, or the system takes no such value. */
export interface DoneThere {
  readonly change: 'plant' | 'edit' | 'erase' | 'mark';
  readonly fate: 'ok' | 'refused';
  readonly remoteId: RemoteId | null;
  readonly fields: Fields;
}

export interface People {
  /** @param born the record that the product made for somebody who was born there, where it is known */
  perform(deed: DeedThere, born?: (who: Who) => RecordId | null): DoneThere;
  /** Objects that were planted for somebody, living or not, the newest last. */
  plantedFor(who: Who): ReadonlyArray<{ readonly connection: Where; readonly remoteId: RemoteId }>;
  /** Objects whose mark was copied by hand. */
  readonly copied: ReadonlySet<RemoteId>;
}

interface Place {
  readonly planned: PlannedConnection;
  readonly system: MemorySystem;
}

export function createPeople(
  places: ReadonlyMap<Where, Place>,
  installation: string,
  note: (effect: Omit<Effect, 'step' | 'at_ms'>) => void,
): People {
  const planted = new Map<Who, Array<{ connection: Where; remoteId: RemoteId }>>();
  const copied = new Set<RemoteId>();
  const mark = markName(installation);

  const place = (connection: Where): Place => {
    const found = places.get(connection);
    if (found === undefined) throw new Error(`The plan has no connection ${connection}`);
    return found;
  };

  /** The object that stands for somebody there: the newest living one that was planted, or that bears the record's mark. */
  function objectOf(connection: Where, who: Who, born?: (who: Who) => RecordId | null): RemoteId | null {
    const own = planted.get(who)?.filter((one) => one.connection === connection) ?? [];
    const records = [recordOf(who) as string, born?.(who) ?? ''];
    const { system } = place(connection);
    const ofThem = system
      .living()
      .filter(
        ([id, { marks }]) =>
          own.some(({ remoteId }) => remoteId === id) ||
          (!copied.has(id) && records.includes(marks[mark] ?? '-')),
      );
    return ofThem.at(-1)?.[0] ?? null;
  }

  function effect(connection: Where, remoteId: RemoteId, does: Effect['does'], before: Fields | null): void {
    const object = place(connection).system.object(remoteId);
    const after = object.state === 'present' ? object.fields : null;
    const people = { recordId: null, key: null, values: null, applied: true, replayed: false } as const;
    note({ connection, by: 'people', does, remoteId, before, after, marks: object.marks, ...people });
  }

  function plant(connection: Where, who: Who, given: Fields): DoneThere {
    const { system, planned } = place(connection);
    const fields = formOf(planned.form)(given);
    if (planned.refuses && refusedField(given) !== null)
      return { change: 'plant', fate: 'refused', remoteId: null, fields };
    const remoteId = system.plant(fields);
    planted.set(who, [...(planted.get(who) ?? []), { connection, remoteId }]);
    effect(connection, remoteId, 'create', null);
    return { change: 'plant', fate: 'ok', remoteId, fields };
  }

  function perform(deed: DeedThere, born?: (who: Who) => RecordId | null): DoneThere {
    const { connection } = deed;
    if (deed.kind === 'plant there') return plant(connection, deed.who, deed.fields);
    const { system, planned } = place(connection);
    const who = deed.kind === 'copy mark' ? deed.to : deed.who;
    const change = deed.kind === 'copy mark' ? 'mark' : deed.kind === 'edit there' ? 'edit' : 'erase';
    const fields = deed.kind === 'edit there' ? formOf(planned.form)(deed.fields) : {};
    const remoteId = objectOf(connection, who, born);
    const isRefused = planned.refuses && refusedField(fields) !== null;
    const source = deed.kind === 'copy mark' ? objectOf(connection, deed.from, born) : null;
    const isAimless =
      remoteId === null || (deed.kind === 'copy mark' && (source === null || source === remoteId));
    if (isAimless || isRefused) return { change, fate: 'refused', remoteId, fields };
    const { fields: before } = system.object(remoteId);
    if (change === 'edit') system.edit(remoteId, fields);
    else if (change === 'erase') system.erase(remoteId);
    else if (source !== null) {
      system.mark(remoteId, { ...system.object(source).marks });
      copied.add(remoteId);
    }
    effect(
      connection,
      remoteId,
      change === 'edit' ? 'update' : change === 'erase' ? 'remove' : 'mark',
      before,
    );
    return { change, fate: 'ok', remoteId, fields };
  }

  return { perform, plantedFor: (who) => planted.get(who) ?? [], copied };
}
