import { showStatus } from './status';

const NOW = Date.parse('2026-01-01T12:00:00.000Z');

async function told(answer: object): Promise<readonly string[]> {
  const server = {
    get: async () => ({ queue_depth: 1, oldest_pending_seconds: 42, connections: [], parked: [], ...answer }),
  };
  return (await showStatus(server as unknown as Parameters<typeof showStatus>[0], NOW)).lines;
}

test('where nobody takes what is due, it says that no worker is heard', async () => {
  expect((await told({ worker_silent_seconds: 40 })).join('\n')).toContain(
    'Queue: 1 to look at, the oldest for 42 s.\nNo worker has been heard for 40 s.',
  );
  expect((await told({ worker_silent_seconds: null })).join('\n')).not.toContain('No worker');
});

test('a parked deletion is told as one, and what stands only there, or claims a record, with its id there', async () => {
  const parked = (of: object) => ({
    id: 'r1',
    connection: 'stripe',
    remote_id: 'cus_1',
    has_row: false,
    deleted: false,
    reason: {
      code: 'delete_burst',
      message: 'Many.',
      action: 'Look.',
      field: null,
      detail: 'going out',
      since: null,
    },
    ...of,
  });
  const line = async (of: object) => (await told({ parked: [parked(of)] })).find((one) => one.includes('r1'));
  expect(await line({ deleted: true })).toBe('  r1  stripe (cus_1), for -, deleted here');
  expect(await line({})).toBe('  r1  stripe (cus_1), for -, not pulled yet');
  expect(await line({ has_row: true })).toBe('  r1  stripe, for -');
  const claims = { code: 'claims_record', message: 'm', action: 'a', field: null, detail: null, since: null };
  expect(await line({ has_row: true, reason: claims })).toBe('  r1  stripe (cus_1), for -');
});

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
  const later = await showStatus(server, NOW + 60_700);
  expect(later.lines.join('\n')).toContain('to be asked again since 60 s, and no worker does; 7 records');
  expect(finding).toBe(true);
  expect(lines.join('\n')).toContain('is down: ECONNREFUSED');
  expect(lines.join('\n')).not.toContain('To do: Nothing');
  expect(lines).toContain('stripe: no answer for 10 min, asked again in 0.7 s; 7 records wait for it.');
});
