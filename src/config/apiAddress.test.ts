import { API_URL_BY_DEFAULT, commandLineVariables } from './apiAddress';

function urlFor(env: Record<string, string>, dotenv?: string): string | undefined {
  return commandLineVariables(env, dotenv).variables['COUNTERPART_URL'];
}

test('the command line finds the API where PORT and HOST put it, from the environment before .env', () => {
  expect(urlFor({})).toBe('http://127.0.0.1:3000');
  expect(API_URL_BY_DEFAULT).toBe('http://127.0.0.1:3000');
  expect(urlFor({}, 'PORT=4000\n')).toBe('http://127.0.0.1:4000');
  expect(urlFor({ PORT: '5000' }, 'PORT=4000\nHOST=localhost\n')).toBe('http://localhost:5000');
  expect(urlFor({ HOST: '0.0.0.0', PORT: '' }, 'PORT=4000')).toBe('http://127.0.0.1:4000');
  expect(urlFor({ HOST: '::1' })).toBe('http://[::1]:3000');
});

test('COUNTERPART_URL wins, also from .env, and its key comes along', () => {
  const { variables } = commandLineVariables(
    { PORT: '4000' },
    'COUNTERPART_URL=https://sync.example.com\nCOUNTERPART_API_KEY=0123456789abcdef\n',
  );
  expect(variables).toMatchObject({
    COUNTERPART_URL: 'https://sync.example.com',
    COUNTERPART_API_KEY: '0123456789abcdef',
  });
});

test('a port that tells nothing leaves the default', () => {
  for (const port of ['0', 'x', '70000']) expect(urlFor({ PORT: port })).toBe(API_URL_BY_DEFAULT);
});

test('a wrong port is told, with the address that is asked instead; not where COUNTERPART_URL says it', () => {
  expect(commandLineVariables({ PORT: 'abc' }).wrong).toEqual([
    expect.stringMatching(/^PORT must be a port number, .*\. http:\/\/127\.0\.0\.1:3000 is asked instead\.$/),
  ]);
  expect(commandLineVariables({ PORT: '0' }).wrong).toEqual([]);
  expect(commandLineVariables({ PORT: 'abc', COUNTERPART_URL: 'http://127.0.0.1:4000' }).wrong).toEqual([]);
});
