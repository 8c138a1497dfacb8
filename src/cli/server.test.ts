import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { runCli } from './cli-for-tests';

const listening: Server[] = [];
afterEach(() =>
  Promise.all(listening.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))),
);

/** The address of somebody who takes a connection and does this with it. */
async function whoever(does: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.resume();
    does(socket);
  });
  listening.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const COMMANDS = [['status'], ['pause', 'stripe'], ['recovered']];

test.each([
  ['says goodbye', (socket: Socket) => void socket.end()],
  ['hangs up', (socket: Socket) => void socket.destroy()],
  ['resets', (socket: Socket) => void socket.resetAndDestroy()],
])('who takes the connection and %s at once has not answered: 2, and what to do', async (_, does) => {
  const COUNTERPART_URL = await whoever(does);
  for (const command of COMMANDS) {
    const { code, out, err } = await runCli(command, { COUNTERPART_URL });
    expect([command, code, out]).toEqual([command, 2, '']);
    expect(err).toMatch(/^Nobody answers at \S+\. Is it running/);
  }
});

test('an answer that breaks off is told in words, with --json too', async () => {
  const COUNTERPART_URL = await whoever((socket) => {
    socket.once('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"queue_depth":', () => socket.destroy()),
    );
  });
  for (const command of COMMANDS) {
    const { code, err } = await runCli(command, { COUNTERPART_URL });
    expect(code).toBe(2);
    expect(err).toMatch(/^The answer from \S+ broke off, .*then try again\.\n$/);
  }
  const { json } = await runCli(['status', '--json'], { COUNTERPART_URL });
  expect(json()).toHaveProperty('error', expect.stringContaining('broke off'));
});

test('a key that cannot be sent is named, not passed off as silence', async () => {
  const { code, err } = await runCli(['status'], { COUNTERPART_API_KEY: 'kéy\n2' });
  expect([code, err]).toEqual([2, expect.stringMatching(/^COUNTERPART_API_KEY holds/)]);
});
