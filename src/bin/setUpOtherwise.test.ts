import { loadConfig } from '../config';
import { parseConnectionName, trusted } from '../core/ids';
import { otherModes } from './setUpOtherwise';

const name = trusted(parseConnectionName('stripe'), 'connection name');
const SIMULATOR = {
  name,
  identity: { account: 'acct_sim', apiBase: 'http://127.0.0.1:12121', mode: 'simulator' },
} as const;

test('failure 56: a sandbox key on the folder of the simulator is told at the start, with the way to a database of its own', () => {
  const config = loadConfig({ STRIPE_API_KEY: 'sk_test_0123456789abcd' });
  expect(otherModes(config, [SIMULATOR])).toEqual([
    'stripe: this database was set up with the simulator (acct_sim), and the settings mean test mode. ' +
      'Nothing is read or sent there. To work with test mode set DATA_DIR to a new folder.',
  ]);
  const own = { ...config, databaseUrl: 'postgres://db/app' };
  expect(otherModes(own, [SIMULATOR]).join()).toMatch(/set DATABASE_URL to a new, empty database\.$/);
});

test('a connection that is as it was set up, or was never identified, is nothing to say', () => {
  expect(otherModes(loadConfig({}), [SIMULATOR])).toEqual([]);
  expect(
    otherModes(loadConfig({ STRIPE_API_KEY: 'sk_test_0123456789abcd' }), [{ name, identity: null }]),
  ).toEqual([]);
});
