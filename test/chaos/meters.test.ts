/** I18: the oracle is silent about metrics that agree with the end, and names each that does not. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { readSamples } from '../environment/scrape';
import type { Sample } from '../environment/scrape';
import { until } from '../environment/until';
import { createMeters, wentBackwards } from './meters';
import type { Metered } from './meters';
import { judgeMeters, operationOf } from './metersRules';
import type { Known } from './metersRules';
import type { Noted } from './requests';
import { link, sound } from './sound-for-tests';

const API = `# HELP counterpart_queue_depth Records that need a look.
counterpart_queue_depth{process="api"} 0
counterpart_oldest_pending_seconds{process="api"} 0
counterpart_connection_paused{connection="stripe",process="api"} 0
counterpart_breaker_open{connection="stripe",process="api"} 0
counterpart_webhooks_total{connection="stripe",result="echo",process="api"} 1
counterpart_webhooks_total{connection="stripe",result="repeated",process="api"} 3
counterpart_echoes_total{connection="stripe",process="api"} 1
`;
const WORKER = `counterpart_failed_runs{namespace="default",process="worker"} 0
counterpart_remote_calls_total{connection="stripe",operation="create",outcome="ok",process="worker"} 1
counterpart_remote_calls_total{connection="stripe",operation="read",outcome="unavailable",process="worker"} 7
`;

const created: Noted = {
  at: '',
  method: 'POST',
  path: '/v1/customers',
  params: null,
  idempotency_key: 'cp_x_1',
  status: 200,
  replayed: false,
  request_id: 'req_1',
  from: 'counterpart',
  reached: true,
  outcome: 'answered',
};

function told(api = API, worker = WORKER, over: Partial<Metered> = {}): Metered {
  const living = [
    { process: 'api-a', pid: 1, samples: readSamples(api) },
    { process: 'worker-a', pid: 2, samples: readSamples(worker) },
  ];
  return { living, lifetimes: living, backwards: [], ...over };
}

function found(metered: Metered, over: Partial<Known> = {}): string[] {
  const known = { ...sound(), requests: [created], eventsByResult: { echo: 1 }, failedRuns: 0, ...over };
  return judgeMeters(metered, known).map(({ invariant, detail }) => `${invariant} ${detail}`);
}

test('I18: metrics that agree: nothing is said', () => {
  expect(found(told())).toEqual([]);
});

test.each([
  ['a depth of the queue', 'counterpart_queue_depth{process="api"} 0', 'counterpart_queue_depth 2'],
  ['no depth at all', 'counterpart_queue_depth{process="api"} 0', ''],
  [
    'of something that waits',
    'counterpart_oldest_pending_seconds{process="api"} 0',
    'counterpart_oldest_pending_seconds 12.5',
  ],
  [
    'of a pause',
    'counterpart_connection_paused{connection="stripe",process="api"} 0',
    'counterpart_connection_paused 1',
  ],
  [
    'of an open breaker',
    'counterpart_breaker_open{connection="stripe",process="api"} 0',
    'counterpart_breaker_open 1',
  ],
  ['of a parked link', '# HELP', 'counterpart_parked{connection="stripe",reason="rejected"} 1\n# HELP'],
  [
    'of more echoes than events',
    'counterpart_echoes_total{connection="stripe",process="api"} 1',
    'counterpart_echoes_total 2',
  ],
  ['of more events than there are', 'result="echo",process="api"} 1', 'result="echo",process="api"} 2'],
])('I18: an api that tells %s, and it is not so', (_story, right, wrong) => {
  expect(found(told())).toEqual([]);
  expect(found(told(API.replace(right, wrong))).length).toBeGreaterThan(0);
});

test('I18: what stands otherwise than the apis tell: a row in the queue, a parked link, a connection that is down', () => {
  expect(found(told(), { queue: [{ waiting_on: ['stripe'] }] })).toEqual([
    'I18 api-a: counterpart_queue_depth{} is 0, and it is 1',
  ]);
  const links = [{ ...link, outcome: 'parked', reason: { code: 'rejected' } }];
  expect(found(told(), { links })).toEqual(['I18 api-a: counterpart_parked{rejected} is 0, and it is 1']);
  const connections = [{ name: 'stripe', paused_at: '2026', down_since: '2026' }];
  expect(found(told(), { connections })).toHaveLength(2);
});

test('I18: a worker that counts another number of failed runs, or none at all while Temporal answers', () => {
  expect(found(told(), { failedRuns: 1 })).toEqual([
    'I18 worker-a: counterpart_failed_runs is 0, and it is 1',
  ]);
  const silent = WORKER.replace(/^counterpart_failed_runs.*\n/, '');
  expect(found(told(API, silent))).toEqual([
    'I18 worker-a: counterpart_failed_runs is undefined, and it is 0',
  ]);
});

test('I18: over all lives more creations, or more of a result, than there were; fewer may have been counted', () => {
  const dead = { process: 'worker-a', pid: 3, samples: readSamples(WORKER) };
  const twice = told();
  expect(found({ ...twice, lifetimes: [...twice.lifetimes, dead] })).toEqual([
    'I18 counterpart_remote_calls_total{create} is 2, and there were 1',
  ]);
  expect(found(told(), { eventsByResult: {} })).toEqual([
    'I18 counterpart_webhooks_total{echo} is 1, and there were 0',
  ]);
  expect(found(told(), { requests: [created, created], eventsByResult: { echo: 2, queued: 1 } })).toEqual([]);
});

test('I18: a counter that goes backwards in one life, or is gone', () => {
  const sample = (value: number): Sample[] => [{ name: 'counterpart_rings_total', labels: {}, value }];
  expect(wentBackwards(sample(2), sample(3))).toEqual([]);
  expect(wentBackwards(sample(2), sample(1))).toEqual(['counterpart_rings_total {}: 2, then 1']);
  expect(wentBackwards(sample(2), [])).toHaveLength(1);
  expect(found(told(API, WORKER, { backwards: ['x'] }))).toEqual(['I18 a counter went backwards: x']);
});

test('a process that was started anew is another life; what its predecessor told last is kept', async () => {
  let value = 5;
  let pid = 1;
  const server = createServer((_request, response) => response.end(`counterpart_rings_total ${value}\n`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let asked = 0;
  server.on('request', () => void (asked += 1));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const meters = createMeters([{ name: 'worker-a', url, pid: () => pid }]);
  meters.start();
  await until('it was asked twice', async () => asked > 1);
  [value, pid] = [1, 2];
  const { lifetimes, living, backwards } = await meters.last();
  const rang = (samples: readonly Sample[]) => samples[0]?.value;
  expect(lifetimes.map((life) => [life.pid, rang(life.samples)])).toEqual([
    [1, 5],
    [2, 1],
  ]);
  expect([living.map((life) => life.pid), backwards]).toEqual([[2], []]);
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

test('requests are named as the worker names its calls; the account and the events are none of them', () => {
  const names = [
    'POST /v1/customers',
    'POST /v1/customers/cus_1',
    'GET /v1/customers/cus_1',
    'GET /v1/customers',
  ];
  const others = ['GET /v1/account', 'GET /v1/events?limit=1'];
  const operation = (text: string): string | null => {
    const [method = '', path = ''] = text.split(' ');
    return operationOf({ method, path, params: {} });
  };
  expect([...names, 'DELETE /v1/customers/cus_1'].map(operation)).toEqual([
    'create',
    'update',
    'read',
    'list',
    'delete',
  ]);
  expect(others.map(operation)).toEqual([null, null]);
});

test('what a process tells is read as Prometheus reads it: nothing measured yet is no mistake, a word is', () => {
  const text = 'lag_seconds{process="worker"} Nan\nbuckets{le="+Inf"} 3\nceiling +Inf\n';
  expect(readSamples(text).map(({ value }) => value)).toEqual([Number.NaN, 3, Number.POSITIVE_INFINITY]);
  expect(() => readSamples('lag_seconds soon')).toThrow('This is no sample: lag_seconds soon');
});
