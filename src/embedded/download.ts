import { createWriteStream } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';

/** Short: a machine without a way out should learn so in seconds. */
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;
const REDIRECTS_MAX = 5;

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy for `url` by the usual variables, lower case first (as curl does); null for a direct way. */
export function proxyFor(url: URL, env: Environment): URL | null {
  const read = (name: string) => env[name.toLowerCase()] ?? env[name.toUpperCase()] ?? '';
  const excluded = read('no_proxy')
    .split(',')
    .map((item) =>
      item
        .trim()
        .toLowerCase()
        .replace(/^\*?\./, ''),
    )
    .filter((item) => item !== '');
  const host = url.hostname.toLowerCase();
  if (excluded.some((item) => item === '*' || host === item || host.endsWith(`.${item}`))) return null;
  const proxy = read(`${url.protocol.replace(':', '')}_proxy`) || read('all_proxy');
  if (proxy === '') return null;
  const withScheme = proxy.includes('://') ? proxy : `http://${proxy}`;
  if (!URL.canParse(withScheme))
    throw new Error(`the proxy variable for ${url.protocol} holds no address: ${proxy}`);
  return new URL(withScheme);
}

function authorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A TLS connection to `url` through the proxy's CONNECT. */
function tunnel(url: URL, proxy: URL): Promise<Duplex> {
  const target = `${url.hostname}:${url.port || '443'}`;
  return new Promise((resolve, reject) => {
    const client = proxy.protocol === 'https:' ? https : http;
    const request = client.request({
      host: proxy.hostname,
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: target,
      headers: { Host: target, ...authorization(proxy) },
      timeout: CONNECT_TIMEOUT_MS,
    });
    request.once('timeout', () => request.destroy(new Error(`the proxy ${proxy.host} does not answer`)));
    request.once('error', reject);
    request.once('connect', (answer, socket) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        reject(
          new Error(
            `the proxy ${proxy.host} refused ${target}: ${answer.statusCode} ${answer.statusMessage}`,
          ),
        );
        return;
      }
      socket.setTimeout(0);
      const secure = connectTls({ socket, servername: url.hostname }, () => resolve(secure));
      secure.once('error', reject);
    });
    request.end();
  });
}

function get(url: URL, connection: Duplex | null, proxy: URL | null): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http;
    const viaPlainProxy = proxy !== null && url.protocol === 'http:';
    const request = client.get({
      host: viaPlainProxy ? proxy.hostname : url.hostname,
      port: viaPlainProxy ? proxy.port || 80 : url.port || undefined,
      path: viaPlainProxy ? url.href : url.pathname + url.search,
      headers: {
        Host: url.host,
        'User-Agent': 'counterpart',
        ...(viaPlainProxy ? authorization(proxy) : {}),
      },
      agent: false,
      ...(connection === null ? {} : { createConnection: () => connection }),
    });
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer from ${url.host} within ${CONNECT_TIMEOUT_MS / 1000} s`)),
      CONNECT_TIMEOUT_MS,
    );
    request.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.once('response', (answer) => {
      clearTimeout(timer);
      answer.setTimeout(IDLE_TIMEOUT_MS, () => answer.destroy(new Error(`${url.host} stopped sending`)));
      resolve(answer);
    });
  });
}

async function open(start: URL, env: Environment): Promise<http.IncomingMessage> {
  let url = start;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const proxy = proxyFor(url, env);
    const connection = proxy !== null && url.protocol === 'https:' ? await tunnel(url, proxy) : null;
    const answer = await get(url, connection, proxy);
    const status = answer.statusCode ?? 0;
    const { location } = answer.headers;
    if (status >= 300 && status < 400 && location !== undefined) {
      answer.resume();
      url = new URL(location, url);
      continue;
    }
    if (status !== 200) {
      answer.resume();
      throw new Error(`${url.host} answered ${status}`);
    }
    return answer;
  }
  throw new Error(`${start.host} redirects more than ${REDIRECTS_MAX} times`);
}

/** Saves `url` as `file`. `progress` gets bytes so far and the whole size, or null when the server does not tell. */
export async function downloadFile(
  url: string,
  file: string,
  env: Environment,
  progress: (bytes: number, total: number | null) => void,
): Promise<void> {
  const answer = await open(new URL(url), env);
  const length = Number(answer.headers['content-length']);
  const total = Number.isFinite(length) && length > 0 ? length : null;
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => progress((bytes += chunk.length), total));
  await pipeline(answer, createWriteStream(file));
  if (total !== null && bytes !== total) throw new Error(`${url} ended after ${bytes} of ${total} bytes`);
}

/** A short text file. Throws when it is longer than `maxBytes`. */
export async function downloadText(url: string, maxBytes: number, env: Environment): Promise<string> {
  const answer = await open(new URL(url), env);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > maxBytes) throw new Error(`${url} is longer than ${maxBytes} bytes`);
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
