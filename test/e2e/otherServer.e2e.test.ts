/** A Stripe-compatible server that has neither events nor an account route, and whose events tell nothing of their cause. */
import { createServer, request } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Simulator } from '../../src/simulators/stripe';
import { until } from '../environment/until';
import { startStage } from './stage';
import type { Loose, Stage } from './stage';

const LACKS = ['/v1/account', '/v1/events'];
const NEITHER = ['strip-request', 'strip-previous'].map((name) => ({ name, times: null }));

/** Passes everything on under a path of its own, but knows no route it lacks. */
function lesserServer(origin: () => string): Server {
  return createServer((incoming, answer) => {
    const route = (incoming.url ?? '').replace(/^\/compatible/, '');
    if (LACKS.some((lacking) => route.startsWith(lacking))) {
      const error = { type: 'invalid_request_error', message: `Unrecognized request URL` };
      answer.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
      return;
    }
    const passed = request(
      origin() + route,
      { method: incoming.method, headers: incoming.headers },
      (reply) => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      },
    );
    incoming.pipe(passed);
  });
}

let simulator: Simulator;
let server: Server;
let stage: Stage;

afterEach(async () => {
  await stage.close();
  server.close();
});

test('it is said to be degraded, once, and works by webhook alone: no echo is taken for a change', async () => {
  server = lesserServer(() => simulator.url);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  stage = await startStage({
    simulator: { faults: true },
    env: { STRIPE_API_BASE: `http://127.0.0.1:${port}/compatible` },
    onSimulator: (started) => (simulator = started),
  });
  await stage.stripe('POST', '/_sim/faults', { faults: NEITHER } as Loose);
  const connection = async () => (await stage.call('GET', '/connections')).body.data[0];
  await until('it is known to be degraded', async () => (await connection()).degraded.length === 2);
  expect((await connection()).degraded.toSorted()).toEqual(['account', 'events']);

  const { body } = await stage.call('POST', '/customers', { name: 'Here', email: 'here@example.com' });
  const show = async () => (await stage.call('GET', `/customers/${body.id}`)).body;
  await until('it is in sync', async () => (await show()).sync[0].state === 'in_sync');
  const { remote_id: remoteId } = (await show()).sync[0];
  await stage.call('PATCH', `/customers/${body.id}`, { name: 'Here twice' });
  await until(
    'the edit is there',
    async () => (await stage.stripe('GET', `/v1/customers/${remoteId}`)).name === 'Here twice',
  );
  await stage.stripe('POST', `/v1/customers/${remoteId}`, { email: 'there@example.com' });
  await until('the edit is here', async () => (await show()).email === 'there@example.com');
  await stage.settled();
  const { rows } = await stage.pool.query('select count(*)::int as heard from counterpart.events');
  expect(rows[0].heard).toBe(3);
  expect((await stage.writes()).map((write) => write.method)).toEqual(['POST', 'POST']);
  expect((await stage.call('GET', '/customers')).body.data).toHaveLength(1);
}, 60_000);
