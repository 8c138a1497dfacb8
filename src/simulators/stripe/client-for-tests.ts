/** What the tests of this room share: a simulator that ends with its test file, raw calls, a webhook receiver. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Customer } from './customers';
import type { LoggedRequest } from './request-log';
import { type Simulator, startSimulator } from './simulator';
import type { SimulatorOptions } from './options';

// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into by tests, field by field
export type Loose = any;
export type Reply = { status: number; headers: Headers; body: Loose };
export type CallOptions = { key?: string; headers?: Record<string, string>; body?: string | Uint8Array };

export type TestSimulator = Simulator & {
  call: (
    method: string,
    path: string,
    form?: Record<string, string>,
    options?: CallOptions,
  ) => Promise<Reply>;
  customer: (form?: Record<string, string>) => Promise<Customer>;
  requests: () => Promise<LoggedRequest[]>;
  fault: (...faults: Record<string, unknown>[]) => Promise<Reply>;
};

export async function startForTest(options: SimulatorOptions = {}): Promise<TestSimulator> {
  const simulator = await startSimulator({ port: 0, ...options });
  const call: TestSimulator['call'] = async (method, path, form, options_ = {}) => {
    const body = options_.body ?? (form ? new URLSearchParams(form).toString() : undefined);
    const response = await fetch(simulator.url + path, {
      method,
      headers: {
        authorization: 'Bearer sk_test_x',
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(options_.key === undefined ? {} : { 'idempotency-key': options_.key }),
        ...options_.headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return {
    ...simulator,
    call,
    customer: async (form = { name: 'Ann' }) => (await call('POST', '/v1/customers', form)).body,
    requests: async () => (await call('GET', '/_sim/requests')).body.data,
    fault: (...faults) => call('POST', '/_sim/faults', undefined, { body: JSON.stringify({ faults }) }),
  };
}

export type Received = { body: string; signature: string; event: Loose };
export type Receiver = {
  url: string;
  received: Received[];
  /** The statuses of the next answers; 200 when used up. 0 never answers. */
  answers: number[];
  close: () => Promise<void>;
};

export async function startReceiver(port = 0): Promise<Receiver> {
  const received: Received[] = [];
  const answers: number[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const signature = String(request.headers['stripe-signature']);
      received.push({ body, signature, event: JSON.parse(body) });
      const status = answers.shift() ?? 200;
      if (status !== 0) response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server that listens has this address
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    received,
    answers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const WAIT_MS = 5_000;
const LOOK_AGAIN_MS = 5;

/** Waits for a condition, with a deadline. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Not within ${WAIT_MS} ms: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_AGAIN_MS);
    });
  }
}
