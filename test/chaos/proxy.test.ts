/** What the proxy does to a connection, seen from both of its ends. */
import { once } from 'node:events';
import net from 'node:net';
import { until } from '../environment/until';
import { seededChance } from './chance';
import { startProxy } from './proxy';
import type { Proxy } from './proxy';

interface End {
  readonly socket: net.Socket;
  heard(): string;
  closed(): boolean;
}

let server: net.Server;
let proxy: Proxy;
let accepted: End[];
let sockets: net.Socket[];

function watch(socket: net.Socket): End {
  let heard = '';
  let closed = false;
  sockets.push(socket);
  socket.on('data', (chunk) => (heard += String(chunk)));
  socket.on('close', () => (closed = true));
  socket.on('error', () => (closed = true));
  return { socket, heard: () => heard, closed: () => closed };
}

beforeEach(async () => {
  [accepted, sockets] = [[], []];
  server = net.createServer((socket) => void accepted.push(watch(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await startProxy([(server.address() as net.AddressInfo).port], seededChance(1, 'test'));
});

afterEach(async () => {
  await proxy.close();
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
});

async function connected(): Promise<{ client: End; origin: End }> {
  const before = accepted.length;
  const client = watch(net.connect(proxy.port, '127.0.0.1'));
  await until('the server accepts', async () => accepted.length > before);
  return { client, origin: accepted[before]! };
}

/** A message there and one back. */
async function passes({ client, origin }: { client: End; origin: End }, text: string): Promise<void> {
  client.socket.write(text);
  await until(`${text} arrives`, async () => origin.heard().endsWith(text));
  origin.socket.write(`re ${text}`);
  await until(`the answer to ${text} arrives`, async () => client.heard().endsWith(`re ${text}`));
}

test('in peace bytes pass both ways, and an end is passed on', async () => {
  const pair = await connected();
  await passes(pair, 'hello');
  pair.client.socket.end();
  await until('the server hears the end', async () => pair.origin.closed());
});

test('cut: what stands is ended, what is new gets nobody, until healed', async () => {
  const pair = await connected();
  await passes(pair, 'one');
  proxy.begin({ kind: 'cut' });
  await until('both are ended', async () => pair.client.closed() && pair.origin.closed());
  const refused = watch(net.connect(proxy.port, '127.0.0.1'));
  await until('a new one is refused', async () => refused.closed());
  expect(accepted).toHaveLength(1);
  proxy.heal();
  await passes(await connected(), 'two');
});

test('blackhole: nothing passes in either direction, and all of it arrives in order when it has healed', async () => {
  const pair = await connected();
  await passes(pair, 'before');
  proxy.begin({ kind: 'blackhole' });
  pair.client.socket.write('a');
  pair.origin.socket.write('b');
  const late = watch(net.connect(proxy.port, '127.0.0.1'));
  late.socket.write('late');
  await once(late.socket, 'connect');
  expect([pair.origin.heard(), pair.client.heard()]).toEqual(['before', 're before']);
  proxy.heal();
  pair.client.socket.write('c');
  await until('what was held arrives', async () => pair.origin.heard() === 'beforeac');
  await until('the other way too', async () => pair.client.heard() === 're beforeb');
  await until('and of the new one', async () => accepted[1]?.heard() === 'late');
});

test('half-open: the client of a server that is gone hears nothing, not even an end; a new connection passes', async () => {
  const pair = await connected();
  await passes(pair, 'one');
  proxy.begin({ kind: 'half-open' });
  await until('the server is gone', async () => pair.origin.closed());
  await passes(await connected(), 'new');
  proxy.heal();
  pair.client.socket.write('anybody?');
  await passes(await connected(), 'newer');
  expect([pair.client.closed(), pair.client.heard()]).toEqual([false, 're one']);
});

test('an answer is lost: the request arrives, its answer does not, and the client is reset', async () => {
  const pair = await connected();
  proxy.begin({ kind: 'answer-lost', after_ms: 400 });
  let sent = 0;
  await until('an answer is lost', async () => {
    if (!pair.client.closed() && pair.origin.heard() === 'x'.repeat(sent)) {
      pair.client.socket.write('x');
      sent += 1;
    }
    return proxy.lost() === 1;
  });
  await until('that request arrived', async () => pair.origin.heard() === 'x'.repeat(sent));
  await until('the client is reset', async () => pair.client.closed());
});

test('reset: what stands is reset, and what is new passes until the next time', async () => {
  const pair = await connected();
  proxy.begin({ kind: 'reset', every_ms: 60_000 });
  await until('it is reset', async () => pair.client.closed() && pair.origin.closed());
  await passes(await connected(), 'new');
});

test.each([
  ['delay', { kind: 'delay', ms: 150 }],
  ['slow-drip', { kind: 'slow-drip', bytes: 1, every_ms: 10 }],
] as const)('%s: everything arrives in order, later', async (_name, trouble) => {
  const pair = await connected();
  await passes(pair, 'quick');
  proxy.begin(trouble);
  const began = performance.now();
  await passes(pair, 'slowly and in order');
  expect(performance.now() - began).toBeGreaterThan(200);
});
