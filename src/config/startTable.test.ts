import { loadConfig } from './index';
import { maskSecret, maskUrl, startTable, tryIt } from './startTable';

const ADDRESSES = {
  apiUrl: 'http://127.0.0.1:3000',
  workerUrl: 'http://127.0.0.1:3001',
  temporalUiUrl: null,
  temporalAddress: 'temporal:7233',
  simulatorUrl: null,
  databaseUrl: 'postgres://app:hunter22@db:5432/app',
};

test('secrets are masked', () => {
  expect(maskSecret('sk_test_0123456789abcd')).toBe('sk_test_…abcd');
  expect(maskSecret('sk_test_ab')).toBe('sk_test_…');
  expect(maskUrl('postgres://app:hunter22@db/app?password=hunter22')).not.toContain('hunter22');
});

test('each part says whether it is embedded or real, and where its setting came from', () => {
  const config = loadConfig(
    { DATABASE_URL: ADDRESSES.databaseUrl, TEMPORAL_ADDRESS: 'temporal:7233' },
    'STRIPE_API_KEY=sk_test_0123456789abcd',
  );
  const rows = startTable(config, ADDRESSES);
  const find = (part: string) => rows.find((row) => row.part === part);
  expect(find('Postgres')).toMatchObject({ from: 'real; DATABASE_URL from the environment' });
  expect(find('Stripe (test mode)')).toMatchObject({ from: 'real; STRIPE_API_KEY from .env' });
  expect(find('Temporal')).toMatchObject({ from: 'real; TEMPORAL_ADDRESS from the environment' });
  expect(find('Stripe is called')).toMatchObject({
    where: 'at most 25 times a second, each endpoint at most 25',
  });
  expect(find('API')).toMatchObject({ from: 'default' });
  expect(JSON.stringify(rows)).not.toMatch(/hunter22|0123456789/);
});

test('what decides is shown as it is in force, with where it was set', () => {
  const shown = (env: Record<string, string>) =>
    Object.fromEntries(startTable(loadConfig(env), ADDRESSES).map(({ part, ...row }) => [part, row]));
  expect(shown({})).toMatchObject({
    Worker: { where: 'http://127.0.0.1:3001/health/ready', from: 'default' },
    Conflicts: { where: 'ours wins', from: 'default' },
    'Deletes in a burst': { where: 'held above 50, or 5 % of the records where that is more, in 10 min' },
    Sweeps: { where: '0 3 * * * (UTC)' },
    'Log level': { where: 'info' },
  });
  expect(shown({})).not.toHaveProperty('Rank');
  expect(
    shown({
      CONFLICT_POLICY: 'remote,email=ask',
      DELETE_GUARD: 'off',
      SWEEP_CRON: 'off',
      CONNECTION_RANK: 'stripe',
      LOG_LEVEL: 'warn',
      WORKER_PORT: '0',
    }),
  ).toMatchObject({
    Worker: { from: 'WORKER_PORT from the environment' },
    Conflicts: {
      where: 'theirs wins; email: a person is asked',
      from: 'CONFLICT_POLICY from the environment',
    },
    Rank: { where: 'stripe', from: 'CONNECTION_RANK from the environment' },
    'Deletes in a burst': { where: 'not held', from: 'DELETE_GUARD from the environment' },
    Sweeps: { where: 'only when asked', from: 'SWEEP_CRON from the environment' },
    'Log level': { where: 'warn', from: 'LOG_LEVEL from the environment' },
  });
});

test('the address for the command line is printed where it would not be found by itself', () => {
  const at = (apiUrl: string) =>
    startTable(loadConfig({}), { ...ADDRESSES, apiUrl }).filter(({ part }) => part === 'Command line');
  expect(at('http://127.0.0.1:3000')).toEqual([]);
  expect(at('http://127.0.0.1:3001')).toMatchObject([{ where: 'COUNTERPART_URL=http://127.0.0.1:3001' }]);
});

test('the request to try it with has the form of this platform, ends its answer with a line end, and quotes no key', () => {
  const config = loadConfig({ API_KEYS: '0123456789abcdef' });
  const addresses = { ...ADDRESSES, simulatorUrl: 'http://127.0.0.1:12121' };
  const [title, command, see, again] = tryIt(config, addresses, 'linux');
  expect(again).toMatch(/change the e-mail: .*\(409\)/);
  expect([title, see]).toEqual(['Try it:', 'and see it at http://127.0.0.1:12121']);
  expect(command).not.toContain('0123456789abcdef');
  expect(command).toBe(
    `  curl -s -w "\\n" http://127.0.0.1:3000/customers -H "Content-Type: application/json" ` +
      `-H "Authorization: Bearer <one of API_KEYS>" -d '{"name":"Ada Lovelace","email":"ada@example.com"}'`,
  );
  expect(tryIt(config, ADDRESSES, 'win32')[1]).toMatch(/^ {2}curl\.exe -s -w "\\n" .*\{\\"name\\":/);
});
