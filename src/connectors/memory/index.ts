/**
 * A whole system in memory and the port's implementation for it: objects with ids, tombstones, keys, marks, events. It
 * is what several links are tested with beside Stripe, and it fails on request.
 * May touch: src/core, src/catalogs, the port. Touched by: registry.ts; its system is made by tests.
 */
import { CUSTOMER } from '../../catalogs/customer/customer';
import { defineSystem } from '../system';
import { OPEN_PASSAGE } from '../passage';
import { createEventList } from './events';
import { createRecords, answered } from './records';
import type { MemoryRecords } from './records';
import { parseMemorySettings } from './settings';
import { serverOf } from './system';
import type { MemorySettings } from './settings';
import type { Connector, RemoteCatalog } from '../connector';
import type { Passage } from '../passage';
import type { System } from '../system';

/** Sends through the passage. Here every call of the port is one request. */
function through(
  passage: Passage,
  { listEvents, ...connector }: Connector,
  records: MemoryRecords,
): Connector {
  const sent: RemoteCatalog = {
    read: (remoteId) => passage('read', () => records.read(remoteId)),
    list: (page) => passage('list', () => records.list(page)),
    create: (values, recordId, key) => passage('create', () => records.create(values, recordId, key)),
    update: (remoteId, values, key) => passage('update', () => records.update(remoteId, values, key)),
    remove: (remoteId) => passage('remove', () => records.remove(remoteId)),
    findCreated: (search) => passage('findCreated', () => records.findCreated(search)),
    findAlike: (value) => passage('findAlike', () => records.findAlike(value)),
  };
  return {
    ...connector,
    catalogs: new Map([[CUSTOMER.name, sent]]),
    identify: () => passage('identify', () => connector.identify()),
    listEvents: listEvents === null ? null : (page) => passage('listEvents', () => listEvents(page)),
  };
}

/** @throws when the settings are wrong, with the mend */
export function createMemoryConnector(settings: MemorySettings): Connector {
  const { connection, installation, system, passage = OPEN_PASSAGE } = parseMemorySettings(settings);
  const { wire } = serverOf(system);
  const records = createRecords(system, CUSTOMER, installation);
  const connector: Connector = {
    connection,
    system: 'memory',
    catalogs: new Map([[CUSTOMER.name, records]]),
    identify: () =>
      wire({ operation: 'identify', remoteId: null, key: null, values: null }, () =>
        answered(system, system.identity),
      ),
    // It delivers nothing: its events are listed.
    receive: () => ({ kind: 'forged' }),
    listEvents: createEventList(system, CUSTOMER, installation),
  };
  return through(passage, connector, records);
}

/** No variable configures it: the system lives and ends with one process, and is handed over by who made it. */
export const MEMORY: System = defineSystem({
  name: 'memory',
  variables: {},
  configure: () => ({ connections: [], problems: [] }),
  connect: (settings) => createMemoryConnector(parseMemorySettings(settings)),
});

export { failureOf } from './failures';
export { createMemorySystem } from './system';
export type { Held, MemoryCall } from './mishaps';
export type { Marks, MemoryObject } from './objects';
export type { MemorySettings } from './settings';
export type { MemorySystem } from './system';
