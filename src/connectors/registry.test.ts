import { z } from 'zod';
import { INSTALLATION, stripeSettings } from '../../test/contract/stripeSettings';
import { createMemorySystem } from './memory';
import { SYSTEMS } from './registry';

test('every system is known by its own name', () => {
  expect(Object.keys(SYSTEMS)).toEqual(Object.values(SYSTEMS).map((system) => system.name));
});

test('a connection of Stripe is built from its own settings, without a call', () => {
  const connector = SYSTEMS['stripe']?.connect(stripeSettings({}));
  expect(connector).toMatchObject({ connection: 'stripe', system: 'stripe' });
  expect([...(connector?.catalogs.keys() ?? [])]).toEqual(['customer']);
});

test('a connection of a memory system is built from the system it is handed', () => {
  const system = createMemorySystem({ name: 'crm', clock: () => 0, nextId: () => 'crm_1' });
  const connector = SYSTEMS['memory']?.connect({ connection: 'crm', installation: INSTALLATION, system });
  expect(connector).toMatchObject({ connection: 'crm', system: 'memory' });
  const connect = () => SYSTEMS['memory']?.connect({ connection: 'Crm!', installation: '', system: {} });
  expect(connect).toThrow(/connection is malformed; installation is malformed; system must be made by/);
});

const AROUND = {
  simulatorStarted: false,
  simulatorRateLimit: null,
  publicUrl: null,
  liveAllowed: false,
  refused: () => false,
};

test('no two systems read the same variable', () => {
  const names = Object.values(SYSTEMS).flatMap(({ variables }) => Object.keys(variables));
  expect(new Set(names).size).toBe(names.length);
});

test('with nothing set there is one connection: to the simulator of Stripe', () => {
  const configured = Object.values(SYSTEMS).flatMap(({ variables, configure }) => {
    const values = z.object(variables).parse({});
    return configure(values, AROUND).connections;
  });
  expect(configured).toMatchObject([{ name: 'stripe', mode: 'simulator' }]);
});

test('what the variables say is what the connector is built from', () => {
  const { variables, configure } = SYSTEMS['stripe']!;
  const set = { STRIPE_API_KEY: 'sk_test_abcdefgh', STRIPE_API_BASE: 'http://127.0.0.1:9/v1/' };
  const [connection] = configure(z.object(variables).parse(set), AROUND).connections;
  expect(connection).toMatchObject({ mode: 'test', shown: { address: 'http://127.0.0.1:9' } });
  expect(connection?.connect(INSTALLATION)).toMatchObject({ connection: 'stripe', system: 'stripe' });
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
