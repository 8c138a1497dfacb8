import { createKeys } from './keys';
import { createMishaps } from './mishaps';
import { createObjects } from './objects';
import type { Keys } from './keys';
import type { MemoryCall, Mishaps, Wire } from './mishaps';
import type { Marks, MemoryEvent, MemoryObject, Objects } from './objects';
import type { Identity, RemoteObject } from '../connector';
import type { Fields } from '../../core/fields';
import type { RemoteId } from '../../core/ids';

/** What a system is made with: it has no clock and no chance of its own. */
export interface MemoryParts {
  /** As its connection is named. */
  readonly name: string;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** A text nobody had before, for ids. */
  readonly nextId: () => string;
}

/** The system as its own people see it, and as a test wrecks it. */
export interface MemorySystem extends Mishaps {
  readonly name: string;
  /** Whose credentials these are. */
  identity: Identity;
  /** What the system makes of values it is sent. */
  form: (values: Fields) => Fields;
  /** The name of a field whose value it refuses, or null. */
  refuses: (values: Fields) => string | null;
  /** Objects that one call looks through for what a create made. */
  tracedAtOnce: number;
  /** Mutations that were heard, in order. */
  writes(): MemoryCall[];
  object(id: RemoteId): MemoryObject;
  living(): Array<[RemoteId, MemoryObject]>;
  /** Oldest first. */
  events(): readonly MemoryEvent[];
  /** Somebody adds an object in the system itself; whoever copies one copies its marks. */
  plant(fields: Fields, marks?: Marks): RemoteId;
  edit(id: RemoteId, fields: Fields): void;
  erase(id: RemoteId): void;
  mark(id: RemoteId, marks: Marks): void;
  /** Makes an object invisible to these credentials, and visible again. */
  hide(id: RemoteId): void;
  show(id: RemoteId): void;
  /** The keys that were used here grow older by so much, and are forgotten in the end. */
  ageKeys(ms: number): void;
}

/** The other half of a system: what a connector talks with. */
export interface Server {
  readonly objects: Objects;
  readonly keys: Keys<RemoteObject>;
  readonly wire: Wire;
  readonly clock: () => number;
}

const SERVERS = new WeakMap<MemorySystem, Server>();
const WRITES: ReadonlySet<MemoryCall['operation']> = new Set(['create', 'update', 'remove']);

export function isMemorySystem(value: unknown): value is MemorySystem {
  return typeof value === 'object' && value !== null && SERVERS.has(value as MemorySystem);
}

export function serverOf(system: MemorySystem): Server {
  const server = SERVERS.get(system);
  if (server === undefined) throw new Error('This is no system that createMemorySystem made');
  return server;
}

/** A whole system in this process: gone with it. */
export function createMemorySystem({ name, clock, nextId }: MemoryParts): MemorySystem {
  const objects = createObjects(clock, nextId);
  const { mishaps, wire } = createMishaps();
  const keys = createKeys<RemoteObject>(clock);

  function known(id: RemoteId): MemoryObject {
    const object = objects.find(id);
    if (object === undefined) throw new Error(`No object ${id} was ever made in ${name}`);
    return object;
  }

  const system: MemorySystem = Object.assign(mishaps, {
    name,
    identity: { account: `account of ${name}`, apiBase: `memory:${name}`, mode: 'simulator' as const },
    form: (values: Fields) => values,
    refuses: () => null,
    tracedAtOnce: Infinity,
    writes: () => mishaps.calls.filter(({ operation }) => WRITES.has(operation)),
    object: known,
    living: () =>
      objects
        .all()
        .filter(({ state }) => state === 'present')
        .map((object): [RemoteId, MemoryObject] => [object.id, object]),
    events: () => objects.events(),
    plant: (fields: Fields, marks: Marks = {}) => objects.make(fields, marks, null).id,
    edit(id: RemoteId, fields: Fields) {
      known(id);
      if (objects.change(id, fields, null) === null) throw new Error(`${id} does not stand in ${name}`);
    },
    erase(id: RemoteId) {
      known(id);
      if (!objects.erase(id)) throw new Error(`${id} does not stand in ${name}`);
    },
    mark: (id: RemoteId, marks: Marks) => objects.set(id, { marks }),
    hide: (id: RemoteId) => objects.set(id, { state: 'hidden' }),
    show: (id: RemoteId) => objects.set(id, { state: 'present' }),
    ageKeys: (ms: number) => keys.age(ms),
  });
  SERVERS.set(system, { objects, keys, wire, clock });
  return system;
}
