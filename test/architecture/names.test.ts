/**
 * Names that outlive a deploy: open workflow runs, keys and marks at Stripe, rows in Postgres, dashboards and scripts of
 * others hold them. A change of one is a decision record and a migration path, not a refactoring; so each stands here once
 * more, by hand.
 */
import { parseCatalogName, parseConnectionName, parseRecordId, trusted } from '../../src/core/ids';
import { keyPrefix, markName } from '../../src/connectors/connector';
import {
  connectionQueue,
  SEARCH_ATTRIBUTES,
  SWEEP_SCHEDULE,
  sweepWorkflowId,
  WORKFLOW_QUEUE,
  workflowId,
} from '../../src/temporal/names';
import { CATALOGS } from '../../src/catalogs/catalogs';
import { SYSTEMS } from '../../src/connectors/registry';
import { SYNC_STATES } from '../../src/store/syncState';
import { REASON_CODES } from '../../src/core/reason';
import { MIGRATIONS } from '../../migrations';
import { hintSignal, stateQuery } from '../../workflows/messages';
import { createMetrics, gaugeFailedRuns } from '../../src/observability/metrics';
import { createGauges } from '../../src/observability/gauges';
import * as workflows from '../../workflows';

const STRIPE = trusted(parseConnectionName('stripe'), 'connection name');
const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');

test('what Temporal knows us by', () => {
  const id = trusted(parseRecordId('01890000-0000-7000-8000-000000000001'), 'record id');
  expect(workflowId(CUSTOMER, id)).toBe('customer/01890000-0000-7000-8000-000000000001');
  expect(Object.keys(workflows)).toEqual(['customer', 'requestSweeps', 'sweep']);
  expect([sweepWorkflowId(STRIPE), SWEEP_SCHEDULE]).toEqual(['sweep/stripe', 'counterpart-sweeps']);
  expect([WORKFLOW_QUEUE, connectionQueue(STRIPE)]).toEqual(['counterpart', 'counterpart-stripe']);
  expect([hintSignal.name, stateQuery.name]).toEqual(['hint', 'state']);
  expect(SEARCH_ATTRIBUTES).toEqual({
    CounterpartCatalog: 'KEYWORD',
    CounterpartConnections: 'KEYWORD_LIST',
    CounterpartOutcome: 'KEYWORD',
  });
});

test('what Stripe keeps of us: keys and marks', () => {
  expect(keyPrefix('0123456789abcdef', STRIPE)).toBe('cp_0123456789abcdef_stripe_');
  expect(markName('0123456789abcdef')).toBe('counterpart_0123456789abcdef');
});

test('what stands in rows: catalogs, systems, states, reasons, migrations', () => {
  expect([...CATALOGS.keys()]).toEqual(['customer']);
  expect(Object.keys(SYSTEMS)).toEqual(['memory', 'stripe']);
  expect(SYNC_STATES).toEqual(['pending', 'in_sync', 'waiting', 'parked', 'paused', 'deleted']);
  expect(REASON_CODES.toSorted()).toEqual([
    'bug',
    'claims_record',
    'conflict',
    'delete_burst',
    'internal',
    'not_configured',
    'other_account',
    'paused',
    'ping_pong',
    'rate_limited',
    'recovering',
    'refused_here',
    'rejected',
    'remote_missing',
    'remote_standing',
    'restless',
    'unauthorized',
    'unavailable',
  ]);
  expect(MIGRATIONS.map((migration) => migration.name)).toEqual(['0001_foundation']);
});

test('what dashboards read', async () => {
  const { registry } = createMetrics('test');
  createGauges(registry);
  gaugeFailedRuns(registry, 'default', async () => 0);
  const names = registry.getMetricsAsArray().map((metric) => metric.name);
  expect(names.filter((name) => name.startsWith('counterpart_')).toSorted()).toEqual([
    'counterpart_breaker_open',
    'counterpart_connection_paused',
    'counterpart_echoes_total',
    'counterpart_failed_runs',
    'counterpart_oldest_pending_seconds',
    'counterpart_oldest_waiting_seconds',
    'counterpart_parked',
    'counterpart_poll_age_seconds',
    'counterpart_propagation_seconds',
    'counterpart_queue_depth',
    'counterpart_remote_calls_total',
    'counterpart_rings_total',
    'counterpart_waiting',
    'counterpart_webhooks_total',
  ]);
});
