import { showStatus } from './status';

const NOW = Date.parse('2026-01-01T12:00:00.000Z');

test('status of a connection that does not answer: since when, with what, when it is asked next, how many wait', async () => {
  const reason = {
    code: 'unavailable',
    message: 'The system does not answer.',
    action: 'Nothing to do: it is tried again by itself.',
    field: null,
    detail: 'the connection stripe is down: ECONNREFUSED',
    since: '2026-01-01T11:50:00.000Z',
  };
  const connection = {
    name: 'stripe',
    state: 'down',
    mode: 'test',
    counts: { waiting: 7 },
    reason,
    breaker: { open_since: reason.since, next_probe_at: '2026-01-01T12:00:00.700Z' },
    waiting: 7,
    degraded: [],
    poll: null,
  };
  const answer = {
    queue_depth: 7,
    oldest_pending_seconds: null,
    connections: [connection],
    parked: [],
  };
  const server = { get: async () => answer } as unknown as Parameters<typeof showStatus>[0];
  const { lines, finding } = await showStatus(server, NOW);
  expect(finding).toBe(true);
  expect(lines.join('\n')).toContain('is down: ECONNREFUSED');
  expect(lines.join('\n')).not.toContain('To do: Nothing');
  expect(lines).toContain('stripe: no answer for 10 min, asked again in 0.7 s; 7 records wait for it.');
});
