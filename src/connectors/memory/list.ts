import { failed, failureOf } from './failures';
import { answered } from './records';
import { serverOf } from './system';
import type { MemoryObject } from './objects';
import type { MemorySystem } from './system';
import type { RemoteCatalog, RemoteObject } from '../connector';

const PAGE_MAX = 100;

/** What stands in the system, newest first, a page at a time. The place of a page is the last object before it. */
export function createObjectList(
  system: MemorySystem,
  shape: (object: MemoryObject) => RemoteObject,
): RemoteCatalog['list'] {
  const { objects, wire } = serverOf(system);
  return ({ after, limit }) =>
    wire({ operation: 'list', remoteId: null, key: null, values: null }, () => {
      const newestFirst = objects.all().toReversed();
      const anchor = newestFirst.findIndex(({ id }) => id === after);
      if (after !== null && anchor < 0) return failed(failureOf('rejected', { code: 'unknown_object' }));
      const rest = newestFirst.slice(anchor + 1).filter(({ state }) => state === 'present');
      const page = rest.slice(0, Math.min(Math.max(limit, 1), PAGE_MAX));
      const next = page.length < rest.length ? (page.at(-1)?.id ?? null) : null;
      return answered(system, { objects: page.map(shape), next });
    });
}
