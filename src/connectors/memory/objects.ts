import { parseRemoteId, trusted } from '../../core/ids';
import type { Fields } from '../../core/fields';
import type { RemoteId } from '../../core/ids';

/** Names beside the fields by which anybody may tag an object; ours is one of them. */
export type Marks = Readonly<Record<string, string>>;

export interface MemoryObject {
  readonly id: RemoteId;
  readonly fields: Fields;
  readonly marks: Marks;
  /** `hidden`: it stands, and these credentials cannot see it. */
  readonly state: 'present' | 'deleted' | 'hidden';
  /** The key of the request that made it; null when a person did. */
  readonly madeBy: string | null;
  /** Unix milliseconds. */
  readonly madeAt: number;
}

export interface MemoryEvent {
  readonly id: string;
  readonly change: 'created' | 'updated' | 'deleted';
  readonly object: MemoryObject;
  /** What the changed fields held before an update. */
  readonly previous: Fields | null;
  readonly key: string | null;
  /** Unix milliseconds. */
  readonly at: number;
}

export interface Objects {
  find(id: RemoteId): MemoryObject | undefined;
  /** In the order in which they were made, deleted ones included. */
  all(): readonly MemoryObject[];
  /** Oldest first. */
  events(): readonly MemoryEvent[];
  make(fields: Fields, marks: Marks, key: string | null): MemoryObject;
  /** @returns null unless it is present */
  change(id: RemoteId, fields: Fields, key: string | null): MemoryObject | null;
  /** @returns false unless it was present; its id stays, as a tombstone */
  erase(id: RemoteId): boolean;
  /** Changes what no event tells of. */
  set(id: RemoteId, part: Partial<Pick<MemoryObject, 'marks' | 'state'>>): void;
}

/** What the system holds. Every change of fields leaves an event. */
export function createObjects(clock: () => number, nextId: () => string): Objects {
  const objects = new Map<RemoteId, MemoryObject>();
  const events: MemoryEvent[] = [];

  function put(object: MemoryObject): MemoryObject {
    objects.set(object.id, object);
    return object;
  }

  function tell(
    change: MemoryEvent['change'],
    object: MemoryObject,
    key: string | null,
    previous: Fields | null = null,
  ): void {
    events.push({ id: nextId(), change, object, previous, key, at: clock() });
  }

  const present = (id: RemoteId): MemoryObject | null => {
    const object = objects.get(id);
    return object?.state === 'present' ? object : null;
  };

  return {
    find: (id) => objects.get(id),
    all: () => [...objects.values()],
    events: () => events,
    make(fields, marks, key) {
      const id = trusted(parseRemoteId(nextId()), 'remote id');
      const object = put({ id, fields, marks, state: 'present', madeBy: key, madeAt: clock() });
      tell('created', object, key);
      return object;
    },
    change(id, fields, key) {
      const before = present(id);
      if (before === null) return null;
      const after = put({ ...before, fields: { ...before.fields, ...fields } });
      const changed = Object.keys(fields).filter((name) => fields[name] !== (before.fields[name] ?? null));
      const previous = Object.fromEntries(changed.map((name) => [name, before.fields[name] ?? null]));
      if (changed.length > 0) tell('updated', after, key, previous);
      return after;
    },
    erase(id) {
      const before = present(id);
      if (before === null) return false;
      tell('deleted', before, null);
      put({ ...before, state: 'deleted' });
      return true;
    },
    set(id, part) {
      const before = objects.get(id);
      if (before === undefined) throw new Error(`No object ${id} was ever made in this system`);
      put({ ...before, ...part });
    },
  };
}
