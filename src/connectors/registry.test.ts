import { stripeSettings } from '../../test/contract/stripeSettings';
import { SYSTEMS } from './registry';

test('every system is known by its own name', () => {
  expect(Object.keys(SYSTEMS)).toEqual(Object.values(SYSTEMS).map((system) => system.name));
});

test('a connection of Stripe is built from its own settings, without a call', () => {
  const connector = SYSTEMS['stripe']?.connect(stripeSettings({}));
  expect(connector).toMatchObject({ connection: 'stripe', system: 'stripe' });
  expect([...(connector?.catalogs.keys() ?? [])]).toEqual(['customer']);
});

test.each([
  ['a key with a line break', { apiKey: 'sk_test_secret\n' }, 'apiKey must be one word'],
  ['an empty key', { apiKey: '' }, 'apiKey must be one word'],
  ['an empty webhook secret', { webhookSecrets: [''] }, 'webhookSecrets.0 must not be empty'],
  ['a simulator without a base', { simulated: true }, 'apiBase must be given'],
  ['a base that is no URL', { apiBase: 'secret' }, 'must be a URL'],
  ['a base of another kind', { apiBase: 'ftp://secret.example' }, 'must be a URL'],
  ['a base with a password', { apiBase: 'https://me:secret@example.com' }, 'must be a plain URL'],
])('%s is refused at once, with the mend and without the value', (_story, given, message) => {
  const connect = () => SYSTEMS['stripe']?.connect(stripeSettings(given));
  expect(connect).toThrow(message);
  expect(connect).not.toThrow('secret');
});

test('settings of another shape are refused', () => {
  for (const settings of [null, {}, { connection: 'Stripe!' }]) {
    expect(() => SYSTEMS['stripe']?.connect(settings)).toThrow('settings of a Stripe connection are wrong');
  }
});
