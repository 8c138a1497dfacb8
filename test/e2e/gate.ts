/** A door in the wire to a server of this machine: a test lets it stall, so that calls go out and nothing ever comes back. */
import { once } from 'node:events';
import net from 'node:net';

export interface Gate {
  readonly url: string;
  /** Bytes are taken and nothing is answered, on connections that stand and on new ones. */
  stall(): void;
  /** What stands is cut, and so is every new connection. */
  shut(): void;
  /** What was stalled is cut, and everything passes again. */
  open(): void;
  close(): Promise<void>;
}

export async function startGate(target: string): Promise<Gate> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<net.Socket>();
  let state: 'open' | 'stalled' | 'shut' = 'open';
  const cut = (): void => sockets.forEach((socket) => void socket.destroy());

  function keep(socket: net.Socket): net.Socket {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // a cut connection is what this is for
    socket.on('error', () => socket.destroy());
    return socket;
  }

  function forward(from: net.Socket, to: net.Socket): void {
    from.on('data', (chunk) => {
      if (state === 'open') to.write(chunk);
    });
    from.on('close', () => to.destroy());
  }

  const server = net.createServer((client) => {
    keep(client);
    if (state === 'shut') {
      client.destroy();
      return;
    }
    const origin = keep(net.connect(Number(port), hostname));
    forward(client, origin);
    forward(origin, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The gate has no TCP port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    stall: () => void (state = 'stalled'),
    shut() {
      state = 'shut';
      cut();
    },
    open() {
      state = 'open';
      cut();
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
