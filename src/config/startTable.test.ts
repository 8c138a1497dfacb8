import { loadConfig } from './index';
import { maskSecret, maskUrl, startTable, tryIt } from './startTable';

const ADDRESSES = {
  apiUrl: 'http://127.0.0.1:3000',
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

test('the address for the command line is printed where it would not be found by itself', () => {
  const at = (apiUrl: string) =>
    startTable(loadConfig({}), { ...ADDRESSES, apiUrl }).filter(({ part }) => part === 'Command line');
  expect(at('http://127.0.0.1:3000')).toEqual([]);
  expect(at('http://127.0.0.1:3001')).toMatchObject([{ where: 'COUNTERPART_URL=http://127.0.0.1:3001' }]);
});

test('the request to try it with has the form of this platform, ends its answer with a line end, and quotes no key', () => {
  const config = loadConfig({ API_KEYS: '0123456789abcdef' });
  const addresses = { ...ADDRESSES, simulatorUrl: 'http://127.0.0.1:12121' };
  const [title, command, see] = tryIt(config, addresses, 'linux');
  expect([title, see]).toEqual(['Try it:', 'and see it at http://127.0.0.1:12121']);
  expect(command).not.toContain('0123456789abcdef');
  expect(command).toBe(
    `  curl -s -w "\\n" http://127.0.0.1:3000/customers -H "Content-Type: application/json" ` +
      `-H "Authorization: Bearer <one of API_KEYS>" -d '{"name":"Ada Lovelace","email":"ada@example.com"}'`,
  );
  expect(tryIt(config, ADDRESSES, 'win32')[1]).toMatch(/^ {2}curl\.exe -s -w "\\n" .*\{\\"name\\":/);
});
