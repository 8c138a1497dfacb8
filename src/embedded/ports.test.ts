import { createServer, type Server } from 'node:net';

import { anyFreePort, choosePort, isFree } from './ports';

let stranger: Server;
let taken: number;

beforeEach(async () => {
  taken = await anyFreePort();
  stranger = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => stranger.listen(taken, '127.0.0.1', resolve));
});
afterEach(() => new Promise((resolve) => stranger.close(resolve)));

const silent = () => {};

test('a port that was set and is taken: an error naming the variable and where it was set', async () => {
  const setting = { variable: 'POSTGRES_PORT', port: taken, source: '.env' } as const;
  await expect(choosePort(setting, 'Postgres', new Set([taken]), silent)).rejects.toThrow(
    new RegExp(`POSTGRES_PORT=${taken} \\(from the \\.env\\) is taken`),
  );
});

test('a default port that is taken: the next free one, said out loud', async () => {
  const said: string[] = [];
  const reserved = new Set([taken + 1]);
  const port = await choosePort(
    { variable: 'PORT', port: taken, source: 'default' },
    'the API',
    reserved,
    (line) => said.push(line),
  );
  expect(port).toBeGreaterThan(taken + 1);
  expect(await isFree(port)).toBe(true);
  expect(said.join()).toContain(`port ${taken} is taken, so the API listens on ${port}`);
  expect(reserved.has(port)).toBe(true);
});

test('port 0 takes any free one', async () => {
  const port = await choosePort(
    { variable: 'PORT', port: 0, source: 'environment' },
    'the API',
    new Set(),
    silent,
  );
  expect(port).toBeGreaterThan(0);
});
