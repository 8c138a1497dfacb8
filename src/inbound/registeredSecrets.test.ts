import { parseConnectionName, trusted } from '../core/ids';
import type { Delivery } from '../connectors/connector';
import { createRegisteredSecrets } from './registeredSecrets';

const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');

/** A receiver before a store whose secret may change, and deliveries signed by name. */
function receiver(first: string) {
  const store = { secret: first, reads: 0, down: false };
  const secrets = createRegisteredSecrets(async () => {
    store.reads += 1;
    if (store.down) throw new Error('Postgres is away');
    return [store.secret];
  });
  const signed = (by: string, now: number): Promise<Delivery['kind']> =>
    secrets
      .verify(STRIPE, now, (known) => ({ kind: known.includes(by) ? 'malformed' : 'forged' }))
      .then((delivery) => delivery.kind);
  return { store, signed };
}

test('the secret is read with the first delivery, and not again while it fits', async () => {
  const { store, signed } = receiver('whsec_a');
  const kinds = await Promise.all([signed('whsec_a', 0), signed('whsec_a', 1), signed('whsec_a', 2)]);
  expect(kinds).toEqual(['malformed', 'malformed', 'malformed']);
  expect(await signed('whsec_a', 59_000)).toBe('malformed');
  expect(store.reads).toBe(1);
});

test('20: a new secret counts with its first delivery, the replaced one for a minute at the most', async () => {
  const { store, signed } = receiver('whsec_a');
  await signed('whsec_a', 0);
  store.secret = 'whsec_b';
  expect(await signed('whsec_b', 2_000)).toBe('malformed');
  expect(await signed('whsec_a', 4_000)).toBe('forged');
  store.secret = 'whsec_c';
  expect(await signed('whsec_b', 70_000)).toBe('forged');
});

test('19: a flood of forged deliveries reads once a second', async () => {
  const { store, signed } = receiver('whsec_a');
  for (let now = 0; now < 3_000; now += 10) expect(await signed('whsec_forged', now)).toBe('forged');
  expect(store.reads).toBe(3);
});

test('while the secret cannot be read nothing is called forged, and the next delivery reads again', async () => {
  const { store, signed } = receiver('whsec_a');
  store.down = true;
  await expect(signed('whsec_a', 0)).rejects.toThrow('Postgres is away');
  store.down = false;
  expect(await signed('whsec_a', 1)).toBe('malformed');
});
