/** PUBLIC_URL, with no webhook secret anywhere: the worker registers the endpoint, the api verifies with its secret. */
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

let stage: Stage;

afterEach(() => stage.close());

test('the endpoint is registered at the start, its deliveries are believed, and both survive restarts and a deletion by hand', async () => {
  stage = await startStage({ webhooks: false, publicUrl: true, env: { STRIPE_POLL_MS: '86400000' } });
  const call = async (route: string): Promise<Loose> => (await stage.call('GET', route)).body;
  const webhook = async () => (await call('/connections')).data[0].webhook;
  const found = async (email: string) => (await call(`/customers?email=${email}`)).data[0];
  await until('it is registered', async () => (await webhook())?.state === 'registered');

  await stage.stripe('POST', '/v1/customers', { name: 'Ann', email: 'ann@example.com' });
  await until('the birth arrived by webhook', async () => (await found('ann@example.com')) !== undefined);

  const [endpoint] = (await stage.stripe('GET', '/v1/webhook_endpoints')).data;
  await stage.worker.stop();
  await stage.stripe('DELETE', `/v1/webhook_endpoints/${endpoint.id}`);
  await stage.worker.start();
  await until('another stands in its place', async () => {
    const { data } = await stage.stripe('GET', '/v1/webhook_endpoints');
    return data.length === 1 && data[0].id !== endpoint.id;
  });
  // The api has run all the while with the old secret.
  await stage.stripe('POST', '/v1/customers', { name: 'Bea', email: 'bea@example.com' });
  await until('its deliveries are believed too', async () => (await found('bea@example.com')) !== undefined);

  const { rows } = await stage.pool.query('select distinct source from counterpart.events');
  expect(rows).toEqual([{ source: 'webhook' }]);
  const { rows: kept } = await stage.pool.query('select secret from counterpart.webhook_endpoints');
  expect(kept[0].secret).toMatch(/^whsec_/);
  const printed = stage.api.output() + stage.worker.output() + JSON.stringify(await call('/connections'));
  expect(printed).toContain('webhook endpoint seen to');
  expect(printed).not.toContain(kept[0].secret);
}, 90_000);
