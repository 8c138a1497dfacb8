import { failed, failureOf } from './failures';
import { createObjectList } from './list';
import { serverOf } from './system';
import { markName } from '../connector';
import { parseRecordId } from '../../core/ids';
import type { MemoryCall } from './mishaps';
import type { MemoryObject } from './objects';
import type { MemorySystem } from './system';
import type { CreateTrace, Reading, RemoteCatalog, RemoteObject } from '../connector';
import type { Catalog } from '../../catalogs/catalog';
import type { Answer } from '../../core/failure';
import type { Fields } from '../../core/fields';
import type { InstallationId, RecordId, RemoteId } from '../../core/ids';

/** A look for what a create made begins this much earlier and ends this much later: its time is told by another clock. */
const MARGIN_S = 7_500;

export function answered<T>(system: MemorySystem, value: T): Answer<T> {
  return { kind: 'answered', value, requestId: `req_${system.calls.length}`, replayed: false };
}

/** Every synced field of an object, absent ones as null. */
export function fieldsOf(object: MemoryObject, catalog: Catalog): Fields {
  return Object.fromEntries(Object.keys(catalog.fields).map((name) => [name, object.fields[name] ?? null]));
}

export function claimsOf(object: MemoryObject, installation: InstallationId): RecordId | null {
  return parseRecordId(object.marks[markName(installation)] ?? '');
}

function params(noted: MemoryCall): string {
  const values = Object.entries(noted.values ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([noted.operation, noted.remoteId, values]);
}

function missing(): Answer<never> {
  return failed(failureOf('gone', { code: 'not_found', status: 404 }));
}

/** It can be asked for everything the port has. */
export type MemoryRecords = Required<RemoteCatalog>;

/** The objects of a memory system as records of one catalog. It holds one kind of object. */
export function createRecords(
  system: MemorySystem,
  catalog: Catalog,
  installation: InstallationId,
): MemoryRecords {
  const { objects, keys, wire } = serverOf(system);
  const shape = (object: MemoryObject): RemoteObject => ({
    remoteId: object.id,
    fields: fieldsOf(object, catalog),
    claims: claimsOf(object, installation),
  });

  /** A mutation under its key: what the system refuses it refuses again. */
  function keyed(
    call: { operation: 'create' | 'update'; remoteId: RemoteId | null; values: Fields; key: string },
    work: () => MemoryObject | null,
  ): Promise<Answer<RemoteObject>> {
    const under = params({ ...call, applied: false });
    const mutate = (noted: MemoryCall): Answer<RemoteObject> =>
      keys.once(call.key, under, () => {
        const field = system.refuses(call.values);
        if (field !== null) {
          return failed(failureOf('rejected', { code: 'value_refused', param: field, status: 400 }));
        }
        const object = work();
        if (object === null) return missing();
        noted.applied = true;
        return answered(system, shape(object));
      });
    return wire(call, mutate, (failure) => keys.store(call.key, under, failed(failure)));
  }

  function traceOf(search: Parameters<RemoteCatalog['findCreated']>[0]): CreateTrace {
    const since = (search.since - MARGIN_S) * 1000;
    const until = (search.until + MARGIN_S) * 1000;
    const recent = objects
      .all()
      .filter(({ madeAt, state }) => madeAt >= since && madeAt <= until && state !== 'hidden');
    const byMark = (object: MemoryObject): boolean =>
      object.madeBy === null &&
      object.state === 'present' &&
      claimsOf(object, installation) === search.recordId &&
      search.others?.includes(object.id) !== true;
    const end = Number(search.place ?? 0) + system.tracedAtOnce;
    const byKey = recent
      .toReversed()
      .slice(0, end)
      .find(({ madeBy }) => madeBy === search.key);
    if (byKey === undefined && end < recent.length) return { kind: 'unfinished', place: String(end) };
    const found = byKey ?? recent.find(byMark);
    if (found === undefined) return { kind: 'absent' };
    const creation = objects
      .events()
      .find(({ change, object }) => change === 'created' && object.id === found.id);
    return {
      kind: 'found',
      remoteId: found.id,
      made: creation === undefined ? null : fieldsOf(creation.object, catalog),
    };
  }

  function alike(value: string): MemoryObject[] {
    const field = catalog.recognisedBy;
    const rule = field === null ? undefined : catalog.fields[field];
    if (field === null || rule === undefined) return [];
    const isAlike = ({ state, fields }: MemoryObject): boolean =>
      state === 'present' && rule.canonical(fields[field] ?? null) === rule.canonical(value);
    return objects.all().filter(isAlike);
  }

  return {
    read: (remoteId) =>
      wire<Reading>({ operation: 'read', remoteId, key: null, values: null }, () => {
        const object = objects.find(remoteId);
        if (object === undefined || object.state === 'hidden') return missing();
        return answered(
          system,
          object.state === 'deleted' ? { kind: 'deleted' } : { kind: 'present', object: shape(object) },
        );
      }),
    list: createObjectList(system, shape),
    create: (values, recordId, key) =>
      keyed({ operation: 'create', remoteId: null, values, key }, () =>
        objects.make(system.form(values), { [markName(installation)]: recordId }, key),
      ),
    update: (remoteId, values, key) =>
      keyed({ operation: 'update', remoteId, values, key }, () =>
        objects.change(remoteId, system.form(values), key),
      ),
    remove: (remoteId) =>
      wire<null>({ operation: 'remove', remoteId, key: null, values: null }, (noted) => {
        if (!objects.erase(remoteId)) return missing();
        noted.applied = true;
        return answered(system, null);
      }),
    findCreated: (search) =>
      wire({ operation: 'findCreated', remoteId: null, key: search.key, values: null }, () =>
        answered(system, traceOf(search)),
      ),
    findAlike: (value) =>
      wire({ operation: 'findAlike', remoteId: null, key: null, values: null }, () =>
        answered(system, alike(value).map(shape)),
      ),
  };
}
