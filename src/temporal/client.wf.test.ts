import type { Client } from '@temporalio/client';
import { freshNamespace } from '../../test/environment/namespace';
import { parseCatalogName, parseRecordId, trusted } from '../core/ids';
import { createDoorbell, ensureSearchAttributes, openClient } from './client';

const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');
const record = (n: number) => ({
  catalog: CUSTOMER,
  recordId: trusted(parseRecordId(`01890000-0000-7000-8000-00000000000${n}`), 'record id'),
});

let client: Client;
let namespace: string;
beforeAll(async () => {
  const fresh = await freshNamespace();
  namespace = fresh.namespace;
  client = openClient({ address: fresh.address }, namespace);
});
afterAll(() => client.connection.close());

test('failure 49: a namespace that forgot the search attributes refuses a ring once, and takes the next', async () => {
  const doorbell = createDoorbell(client, ['stripe'], true);
  const rings = await Promise.allSettled([doorbell.ring(record(1)), doorbell.ring(record(2))]);
  expect(rings).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  await doorbell.ring(record(1));
  const { searchAttributes } = await client.workflow.getHandle(`customer/${record(1).recordId}`).describe();
  expect(searchAttributes).toMatchObject({
    CounterpartCatalog: ['customer'],
    CounterpartConnections: ['stripe'],
  });
  expect(await ensureSearchAttributes(client, namespace)).toEqual([]);
});
