import { INSTALLATION, KEY, MARK, stripeSettings } from '../../../test/contract/stripeSettings';
import { json, startWire } from '../../../test/contract/wire';
import { parseRecordId, parseRemoteId, trusted } from '../../core/ids';
import { createClient } from './client';
import { createCustomers } from './customers';
import type { Wire } from '../../../test/contract/wire';

const RECORD = trusted(parseRecordId('01890a5d-ac96-774b-bcce-b302099a8057'), 'record');
const ID = trusted(parseRemoteId('cus_1'), 'remote id');

let wire: Wire;
beforeEach(async () => {
  wire = await startWire();
});
afterEach(() => wire.stop());
const customers = () => createCustomers(createClient(stripeSettings({ apiBase: wire.url })), INSTALLATION);

test('null is sent as the empty text, which unsets; a field that is not given is not sent', async () => {
  wire.answer(json(200, { id: 'cus_1', object: 'customer' }));
  await customers().update(ID, { name: null }, KEY);
  await customers().update(ID, { email: 'a+b@example.com' }, KEY);
  expect(wire.heard.map((one) => one.params)).toEqual([{ name: '' }, { email: 'a+b@example.com' }]);
});

test('an id is one segment of the path, whatever stands in it', async () => {
  wire.answer(json(404, { error: { type: 'invalid_request_error' } }));
  await customers().read(trusted(parseRemoteId('cus/../1?x=#'), 'remote id'));
  expect(wire.heard[0]?.path).toBe('/v1/customers/cus%2F..%2F1%3Fx%3D%23');
});

test.each([
  ['absent', { id: 'cus_1', object: 'customer' }],
  ['null', { id: 'cus_1', object: 'customer', name: null, email: null, metadata: null }],
  ['odd', { id: 'cus_1', object: 'customer', name: 7, email: ['a'], metadata: 'none' }],
])('values that are %s read as none', async (_story, body) => {
  wire.answer(json(200, body));
  expect(await customers().read(ID)).toMatchObject({
    requestId: 'req_wire',
    value: {
      kind: 'present',
      object: { remoteId: 'cus_1', fields: { name: null, email: null }, claims: null },
    },
  });
});

test.each([
  [RECORD.toUpperCase(), RECORD],
  ['not a record', null],
  ['', null],
  [`${RECORD} `, null],
])('the mark %p claims %p', async (mark, claims) => {
  const metadata = { [MARK]: mark, counterpart_ffffffffffffffff: RECORD };
  wire.answer(json(200, { id: 'cus_1', object: 'customer', metadata }));
  expect(await customers().read(ID)).toMatchObject({ value: { object: { claims } } });
});

test('only `deleted: true` proves a deletion; a deleted object is no answer to a create or update', async () => {
  wire.answer(json(200, { id: 'cus_1', object: 'customer', deleted: true }));
  const it = customers();
  expect(await it.read(ID)).toMatchObject({ value: { kind: 'deleted' } });
  expect(await it.update(ID, { name: 'Ada' }, KEY)).toMatchObject({ failure: { code: 'unexpected_shape' } });
  expect(await it.create({ name: 'Ada' }, RECORD, KEY)).toMatchObject({
    failure: { code: 'unexpected_shape' },
  });
  wire.answer(json(200, { id: 'cus_1', object: 'customer', deleted: 'true' }));
  expect(await it.read(ID)).toMatchObject({ value: { kind: 'present' } });
  expect(await it.remove(ID)).toMatchObject({ failure: { code: 'unexpected_shape', definite: false } });
});

test('the answer says whether it is a stored one', async () => {
  wire.answer(json(200, { id: 'cus_1', object: 'customer' }, { 'idempotent-replayed': 'true' }));
  expect(await customers().update(ID, { name: 'Ada' }, KEY)).toMatchObject({
    kind: 'answered',
    replayed: true,
  });
});
