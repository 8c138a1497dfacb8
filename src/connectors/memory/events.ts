import { failed, failureOf } from './failures';
import { answered, claimsOf, fieldsOf } from './records';
import { serverOf } from './system';
import type { MemoryEvent } from './objects';
import type { MemorySystem } from './system';
import type { Connector, RemoteEvent } from '../connector';
import type { Catalog } from '../../catalogs/catalog';
import type { InstallationId } from '../../core/ids';

const PAGE_MAX = 100;

/** The system's events in the port's words, newest first, a page at a time. */
export function createEventList(
  system: MemorySystem,
  catalog: Catalog,
  installation: InstallationId,
): NonNullable<Connector['listEvents']> {
  const { objects, wire } = serverOf(system);

  const told = ({ id, change, object, previous, key, at }: MemoryEvent): RemoteEvent => ({
    id,
    type: `${catalog.name}.${change}`,
    subject: {
      catalog: catalog.name,
      remoteId: object.id,
      change,
      claims: claimsOf(object, installation),
      previous,
      fields: fieldsOf(object, catalog),
    },
    causedByKey: key,
    createdAt: Math.floor(at / 1000),
    account: system.identity.account,
    live: system.identity.mode === 'live',
  });

  return ({ before, limit }) =>
    wire({ operation: 'listEvents', remoteId: null, key: null, values: null }, () => {
      const newestFirst = objects.events().toReversed();
      const anchor = newestFirst.findIndex(({ id }) => id === before);
      if (before !== null && anchor < 0) return failed(failureOf('rejected', { code: 'unknown_event' }));
      const rest = newestFirst.slice(anchor + 1);
      const page = rest.slice(0, Math.min(Math.max(limit, 1), PAGE_MAX));
      return answered(system, { events: page.map(told), hasMore: page.length < rest.length });
    });
}
