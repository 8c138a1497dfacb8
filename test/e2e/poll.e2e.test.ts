/** Without webhooks: the event list alone keeps both sides equal; and a server without one is said to be degraded. */
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Stage } from './stage';

let stage: Stage;

afterEach(() => stage.close());

test('without a tunnel: an edit, a birth and a deletion in Stripe arrive by the events poll', async () => {
  stage = await startStage({ webhooks: false });
  const born = await stage.stripe('POST', '/v1/customers', { name: 'Polled', email: 'polled@example.com' });
  const found = async () => (await stage.call('GET', '/customers?email=polled@example.com')).body.data[0];
  await until('the birth arrived', async () => (await found()) !== undefined);
  const { id } = await found();
  await stage.stripe('POST', `/v1/customers/${born.id}`, { name: 'Polled twice' });
  await until('the edit arrived', async () => (await found()).name === 'Polled twice');
  await stage.stripe('DELETE', `/v1/customers/${born.id}`);
  await until(
    'the deletion arrived',
    async () => (await stage.call('GET', `/customers/${id}`)).status === 410,
  );
  const { rows } = await stage.pool.query('select distinct source from counterpart.events');
  expect(rows).toEqual([{ source: 'poll' }]);
}, 60_000);

test('what happened while we were down is caught up with by the poll, whatever the number of events in one second', async () => {
  stage = await startStage({ webhooks: false });
  await stage.stripe('POST', '/v1/customers', { name: 'First', email: 'first@example.com' });
  await until('it is there', async () => (await stage.call('GET', '/customers')).body.data.length === 1);
  await stage.worker.stop();
  const births = Array.from({ length: 130 }, (_, i) =>
    stage.stripe('POST', '/v1/customers', { name: `Missed ${i}` }),
  );
  await Promise.all(births);
  await stage.worker.start();
  const count = async () =>
    Number((await stage.pool.query('select count(*)::int as n from counterpart.customers')).rows[0].n);
  await until('all of them are here', async () => (await count()) === 131, 30_000);
}, 90_000);
