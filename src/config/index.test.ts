import { readFileSync } from 'node:fs';
import path from 'node:path';

import productVariables from '../../test/environment/productVariables.json';
import { ConfigError, loadConfig } from './index';
import { SYSTEMS } from '../connectors/registry';
import type { ConfiguredConnection } from '../connectors/system';
import { VARIABLES } from './variables';

function problemsOf(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no problem';
}

function stripeOf(env: Record<string, string>): ConfiguredConnection {
  const found = loadConfig(env).connections.find(({ name }) => name === 'stripe');
  if (found === undefined) throw new Error('No connection to Stripe is configured');
  return found;
}

function poll(env: Record<string, string>): number {
  return stripeOf({ STRIPE_API_KEY: 'sk_test_abcdefgh', ...env }).pollMs;
}

test('nothing configured: everything embedded, on this machine only, with the simulator', () => {
  const config = loadConfig({});
  expect(config).toMatchObject({
    http: { host: '127.0.0.1', port: 3000, portSource: 'default' },
    apiKeys: [],
    databaseUrl: null,
    temporal: { address: null, namespace: 'default', connection: {} },
    connections: [{ name: 'stripe', mode: 'simulator', pollMs: 2_000 }],
    onDelete: 'propagate',
    policy: { default: 'local', fields: {} },
    embedded: [],
  });
  expect(path.isAbsolute(config.dataDir)).toBe(true);
});

test('the environment wins over .env, an empty value counts as not set, and each remembers where it came from', () => {
  const config = loadConfig({ PORT: '4000', LOG_LEVEL: '' }, 'PORT=5000\nLOG_LEVEL=debug\nHOST=localhost\n');
  expect(config.http).toEqual({
    host: 'localhost',
    reachableHost: 'localhost',
    port: 4000,
    portSource: 'environment',
  });
  expect(config.logLevel).toBe('debug');
  expect(config.sources).toEqual({ PORT: 'environment', LOG_LEVEL: '.env', HOST: '.env' });
});

test('all wrong values are listed in one message, each with its mend', () => {
  const message = problemsOf({
    PORT: '3000x',
    LOG_LEVEL: 'loud',
    DATABASE_URL: 'mysql://x',
    STRIPE_POLL_MS: '1',
    ON_DELETE: 'maybe',
    PUBLIC_URL: 'http://example.com',
    TEMPORAL_ADDRESS: 'http://localhost:7233',
    CONFLICT_POLICY: 'name=mine',
  });
  for (const name of [
    'PORT',
    'LOG_LEVEL',
    'DATABASE_URL',
    'STRIPE_POLL_MS',
    'ON_DELETE',
    'PUBLIC_URL',
    'TEMPORAL_ADDRESS',
  ]) {
    expect(message).toMatch(new RegExp(`^  ${name} must`, 'm'));
  }
  expect(message).toContain('name=mine');
  expect(message).toContain('8 mistakes');
});

test('the wrong kind of Stripe secret is named as the mistake, and never quoted', () => {
  expect(problemsOf({ STRIPE_API_KEY: 'pk_test_abcdefgh' })).toMatch(/publishable key/);
  expect(problemsOf({ STRIPE_API_KEY: 'whsec_abcdefgh' })).toMatch(/STRIPE_WEBHOOK_SECRET/);
  expect(problemsOf({ STRIPE_WEBHOOK_SECRET: 'sk_test_abcdefgh' })).toMatch(/whsec_/);
  for (const key of ['pk_test_abcdefgh', 'whsec_abcdefgh', 'garbage abcdefgh']) {
    expect(problemsOf({ STRIPE_API_KEY: key })).not.toContain('abcdefgh');
  }
});

test('a wrong setting of the simulator is told with the others, before anything runs', () => {
  const said = problemsOf({ SIMULATOR_FAULTS: 'yes', PORT: 'abc' });
  expect(said).toMatch(/^ {2}SIMULATOR_FAULTS must be 1 /m);
  expect(said).toContain('2 mistakes');
});

test('a placeholder that was left standing is told as such', () => {
  for (const key of ['sk_test_...', 'rk_test_…', 'sk_live_', 'sk_test_']) {
    expect(problemsOf({ STRIPE_API_KEY: key })).toMatch(/STRIPE_API_KEY is still the placeholder/);
  }
  for (const secret of ['whsec_', 'whsec_...', 'whsec_abcdefgh,whsec_…']) {
    const said = problemsOf({ STRIPE_WEBHOOK_SECRET: secret });
    expect(said).toMatch(/has a mistake:\n {2}STRIPE_WEBHOOK_SECRET is still the placeholder/);
  }
});

test('a live key needs ALLOW_LIVE=1, and then deletes only untie', () => {
  expect(problemsOf({ STRIPE_API_KEY: 'sk_live_abcdefgh' })).toMatch(/ALLOW_LIVE=1/);
  expect(problemsOf({ STRIPE_API_KEY: 'rk_live_abcdefgh' })).toMatch(/ALLOW_LIVE=1/);
  expect(problemsOf({ STRIPE_API_KEY: 'sk_oldformat' })).toMatch(/ALLOW_LIVE=1/);
  const live = { STRIPE_API_KEY: 'sk_live_abcdefgh', ALLOW_LIVE: '1' };
  expect([stripeOf(live).mode, loadConfig(live).onDelete]).toEqual(['live', 'detach']);
  const test = { STRIPE_API_KEY: 'rk_test_abcdefgh' };
  expect([stripeOf(test).mode, loadConfig(test).onDelete]).toEqual(['test', 'propagate']);
});

test('a Stripe-compatible server needs no key of ours, Stripe itself does', () => {
  const stripe = stripeOf({ STRIPE_API_BASE: 'http://127.0.0.1:9999/v1/' });
  expect(stripe).toMatchObject({ mode: 'test', shown: { address: 'http://127.0.0.1:9999' } });
  expect(problemsOf({ STRIPE_API_BASE: 'https://api.stripe.com' })).toMatch(/STRIPE_API_KEY is missing/);
});

test('the events are polled often only while nothing else brings them', () => {
  expect(poll({})).toBe(2_000);
  expect(poll({ STRIPE_WEBHOOK_SECRET: 'whsec_a,whsec_b' })).toBe(300_000);
  expect(poll({ PUBLIC_URL: 'https://sync.example.com' })).toBe(300_000);
  expect(poll({ PUBLIC_URL: 'https://sync.example.com', STRIPE_POLL_MS: '5000' })).toBe(5_000);
});

test('PUBLIC_URL is https without query, fragment or password; its path is kept, plain http is for this machine', () => {
  for (const url of [
    'http://sync.example.com',
    'https://x.example.com/?a=1',
    'https://x.example.com/#a',
    'https://x.example.com?',
    'https://me:pw@x.example.com',
    'ftp://x.example.com',
    'sync.example.com',
  ])
    expect(problemsOf({ PUBLIC_URL: url })).toMatch(/PUBLIC_URL must be the https/);
  const publicUrl = (url: string) => loadConfig({ PUBLIC_URL: url }).publicUrl;
  expect(publicUrl('https://x.example.com/sync/')).toBe('https://x.example.com/sync');
  expect(publicUrl('http://localhost:3000')).toBe('http://localhost:3000');
  expect(loadConfig({}).publicUrl).toBeNull();
});

test('until the endpoint under PUBLIC_URL is registered the events are polled as if there were none', () => {
  const paces = (env: Record<string, string>) => {
    const [stripe] = loadConfig({ STRIPE_API_KEY: 'sk_test_abcdefgh', ...env }).connections;
    return [stripe?.pollUntilRegisteredMs, stripe?.pollMs];
  };
  const url = { PUBLIC_URL: 'https://sync.example.com' };
  expect(paces(url)).toEqual([2_000, 300_000]);
  expect(paces({ ...url, STRIPE_WEBHOOK_SECRET: 'whsec_a' })).toEqual([300_000, 300_000]);
  expect(paces({ ...url, STRIPE_POLL_MS: '5000' })).toEqual([5_000, 5_000]);
});

test('other machines are let in with API keys only, and short keys are refused', () => {
  expect(problemsOf({ HOST: '0.0.0.0' })).toMatch(/API_KEYS is required/);
  expect(problemsOf({ API_KEYS: 'short' })).toMatch(/16 characters/);
  expect(
    loadConfig({ HOST: '0.0.0.0', API_KEYS: '0123456789abcdef, fedcba9876543210' }).apiKeys,
  ).toHaveLength(2);
  expect(loadConfig({ HOST: '::1' }).http.host).toBe('::1');
});

test("Temporal's own variables decide the connection, and a key without an address is a mistake", () => {
  const { temporal } = loadConfig({
    TEMPORAL_ADDRESS: 'ns.a1.tmprl.cloud:7233',
    TEMPORAL_NAMESPACE: 'ns.a1',
    TEMPORAL_API_KEY: 'k'.repeat(20),
  });
  expect(temporal).toMatchObject({ address: 'ns.a1.tmprl.cloud:7233', namespace: 'ns.a1' });
  expect(temporal.connection).toMatchObject({
    address: 'ns.a1.tmprl.cloud:7233',
    apiKey: 'k'.repeat(20),
    tls: true,
  });
  expect(problemsOf({ TEMPORAL_API_KEY: 'k'.repeat(20) })).toMatch(/TEMPORAL_ADDRESS is missing/);
});

test('two parts cannot be given the same port', () => {
  expect(problemsOf({ PORT: '4000', WORKER_PORT: '4000' })).toMatch(/WORKER_PORT is 4000, and so is PORT/);
  expect(problemsOf({ PORT: '0', WORKER_PORT: '0' })).toBe('no problem');
});

test('a conflict policy may name one side for all fields and another for some', () => {
  expect(loadConfig({ CONFLICT_POLICY: 'remote, email=ask' }).policy).toEqual({
    default: 'remote',
    fields: { email: 'ask' },
  });
});

test('a conflict policy for a field that no catalog has stands in the one list of mistakes', () => {
  const told = problemsOf({ CONFLICT_POLICY: 'phone=ask', PORT: 'x' });
  expect(told).toMatch(/CONFLICT_POLICY names phone; the synced fields are name, email/);
  expect(told).toMatch(/PORT must be/);
});

test('the guard over bursts of deletions: a number in a time, a share where that is more, or off', () => {
  const guardOf = (text?: string) => loadConfig(text === undefined ? {} : { DELETE_GUARD: text }).deleteGuard;
  expect(guardOf()).toEqual({ count: 50, percent: 5, windowMs: 600_000 });
  expect(guardOf('20/1h')).toEqual({ count: 20, percent: 0, windowMs: 3_600_000 });
  expect(guardOf('0, 10% / 30s')).toEqual({ count: 0, percent: 10, windowMs: 30_000 });
  expect(guardOf('off')).toBeNull();
  for (const wrong of ['50', '50/10', '50/0m', '50/25h', '5%/10m', '50,101%/10m', 'on']) {
    expect(problemsOf({ DELETE_GUARD: wrong })).toMatch(
      /DELETE_GUARD must be a number of deletions and a window/,
    );
  }
});

test('a rank names configured connections only, and all wrong names are told', () => {
  expect(problemsOf({ CONNECTION_RANK: 'stripe' })).toBe('no problem');
  expect(problemsOf({ CONNECTION_RANK: 'crm, stripe,erp' })).toMatch(
    /CONNECTION_RANK names crm, erp; the connections are stripe/,
  );
});

test('docker-compose.yml hands on every variable but those of embedded parts', () => {
  const compose = readFileSync(path.join(__dirname, '..', '..', 'docker-compose.yml'), 'utf8');
  const embedded = ['COUNTERPART_EMBEDDED', 'DATA_DIR', 'POSTGRES_PORT', 'TEMPORAL_CLI', 'TEMPORAL_PORT'];
  const ofSystems = Object.values(SYSTEMS).flatMap(({ variables }) => Object.keys(variables));
  const missing = [...Object.keys(VARIABLES), ...ofSystems].filter(
    (name) => !new RegExp(`^ +${name}: |\\$\\{${name}:`, 'm').test(compose),
  );
  expect(missing.toSorted()).toEqual(embedded);
});

test('npm test strips every variable of the product, and .env.example explains every one', () => {
  const { names, prefixes } = productVariables;
  const example = readFileSync(path.join(__dirname, '..', '..', '.env.example'), 'utf8');
  const ofSystems = Object.values(SYSTEMS).flatMap(({ variables }) => Object.keys(variables));
  for (const name of [...Object.keys(VARIABLES), ...ofSystems]) {
    expect(names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix)) ? name : '').toBe(name);
    if (name !== 'COUNTERPART_EMBEDDED') expect(example).toContain(`#${name}=`);
  }
});
