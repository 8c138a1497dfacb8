import { connect, createServer } from 'node:net';

import type { PortSetting } from '../config';
import { errorCode } from './processes';

/** How far behind a taken default port a free one is looked for. */
const SEARCH_SPAN = 100;
const CONNECT_TIMEOUT_MS = 300;

/** Any port nobody listens on. Somebody may take it before its user does; that user then says so. */
export async function anyFreePort(host = '127.0.0.1'): Promise<number> {
  return listenOnce(0, host);
}

function listenOnce(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}

/** macOS lets one bind 127.0.0.1 while somebody else holds 0.0.0.0, so whoever answers is asked first. */
function somebodyAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: CONNECT_TIMEOUT_MS });
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(true));
    socket.once('error', () => end(false));
  });
}

export async function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  if (await somebodyAnswers(port)) return false;
  try {
    await listenOnce(port, host);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EADDRINUSE' || code === 'EACCES') return false;
    throw new Error(`Cannot listen on ${host}:${port}: is HOST an address of this machine?`, {
      cause: error,
    });
  }
}

/**
 * The port a part shall listen on. A port somebody set is taken or refused, naming the variable;
 * a default that is taken moves to the next free one, said out loud. `reserved` is what other parts have got or asked for.
 */
export async function choosePort(
  setting: PortSetting,
  forWhat: string,
  reserved: Set<number>,
  say: (line: string) => void,
  host = '127.0.0.1',
): Promise<number> {
  const take = (port: number) => {
    reserved.add(port);
    return port;
  };
  if (setting.port === 0) return take(await anyFreePort(host));
  if (setting.source !== 'default') {
    if (await isFree(setting.port, host)) return take(setting.port);
    throw new Error(
      `${setting.variable}=${setting.port} (from the ${setting.source}) is taken by another process, and ${forWhat} needs it. ` +
        `End that process, or set ${setting.variable} to another port (0 takes any free one).`,
    );
  }
  for (let port = setting.port; port < setting.port + SEARCH_SPAN; port += 1) {
    if (reserved.has(port) || !(await isFree(port, host))) continue;
    if (port !== setting.port) {
      say(
        `port ${setting.port} is taken, so ${forWhat} listens on ${port} (set ${setting.variable} to choose)`,
      );
    }
    return take(port);
  }
  throw new Error(
    `No free port between ${setting.port} and ${setting.port + SEARCH_SPAN - 1} for ${forWhat}: set ${setting.variable}.`,
  );
}
