import { loadConfig } from './index';
import { unknownVariables } from './unknownVariables';

test('a slip in the name of a variable is said, with where it was set and without its value', () => {
  const config = loadConfig(
    { STRIPE_KEY: 'sk_test_0123456789abcd', COUNTERPART_URL: 'http://127.0.0.1:3000', PATH: '/bin' },
    'STRIPE_WEBHOOK_SECRETS=whsec_x\nSTRIPE_POLL_MS=2000\nCOUNTERPART_KEY=0123456789abcdef',
  );
  const said = unknownVariables(config);
  expect(said.toSorted()).toEqual([
    expect.stringMatching(/^COUNTERPART_KEY is set in \.env, and nothing reads it/),
    expect.stringMatching(/^STRIPE_KEY is set in the environment, /),
    expect.stringMatching(/^STRIPE_WEBHOOK_SECRETS is set in \.env, /),
  ]);
  expect(said.join()).not.toMatch(/sk_test|whsec_x|0123456789/);
});
