import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';

import { downloadFile, downloadText, proxyFor } from './download';
import { sha256Of } from './temporalRelease';

const BODY = Buffer.alloc(300_000, 'x');

let server: Server;
let base: string;
let folder: string;
const proxied: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-download-'));
  server = createServer((request, response) => {
    const url = request.url ?? '';
    if (url.startsWith('http://')) proxied.push(url); // asked as a proxy
    if (url.endsWith('/moved')) return response.writeHead(302, { Location: '/file' }).end();
    if (url.endsWith('/loop')) return response.writeHead(302, { Location: '/loop' }).end();
    if (url.endsWith('/file')) return response.writeHead(200, { 'Content-Length': BODY.length }).end(BODY);
    return response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const silent = () => {};

test('redirects are followed, progress is told, the file is what was sent', async () => {
  const file = path.join(folder, 'a');
  const seen: number[] = [];
  await downloadFile(`${base}/moved`, file, {}, (bytes) => seen.push(bytes));
  expect(readFileSync(file).equals(BODY)).toBe(true);
  expect(seen.at(-1)).toBe(BODY.length);
  expect(await sha256Of(file)).toBe(createHash('sha256').update(BODY).digest('hex'));
});

test('a refusal, an endless redirect and a text that is too long are errors', async () => {
  await expect(downloadFile(`${base}/none`, path.join(folder, 'b'), {}, silent)).rejects.toThrow(
    'answered 404',
  );
  await expect(downloadFile(`${base}/loop`, path.join(folder, 'b'), {}, silent)).rejects.toThrow(
    'redirects more than',
  );
  await expect(downloadText(`${base}/file`, 1_000, {})).rejects.toThrow('longer than 1000 bytes');
});

test('the proxy variables are honoured', async () => {
  await downloadFile('http://example.invalid/file', path.join(folder, 'c'), { http_proxy: base }, silent);
  expect(proxied).toEqual(['http://example.invalid/file']);
  const https = new URL('https://temporal.download/cli');
  expect(proxyFor(https, { HTTPS_PROXY: 'proxy:3128' })?.href).toBe('http://proxy:3128/');
  expect(proxyFor(https, { HTTPS_PROXY: 'proxy:3128', no_proxy: 'localhost, .download' })).toBeNull();
  expect(proxyFor(https, { HTTP_PROXY: 'proxy:3128' })).toBeNull();
  expect(proxyFor(https, { ALL_PROXY: 'http://proxy:1' })?.port).toBe('1');
});
