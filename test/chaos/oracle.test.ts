/** The oracle is silent about a sound end and names each thing that is wrong with another. */
import { judge } from './oracle';
import type { Seen } from './seen';
import { beginAnew, born, change, did, event, link, RECORD, sound } from './sound-for-tests';

const gone: Partial<Seen> = {
  customers: [],
  tombstones: [{ id: RECORD, name: 'A', email: 'a@example.com', version: 2 }],
  links: [{ ...link, state: 'retired', outcome: 'deleted' }],
  remotes: [],
};

function broken(over: Partial<Seen>): string[] {
  return [...new Set(judge(sound(over)).map(({ invariant }) => invariant))].toSorted();
}

beforeEach(beginAnew);

test('a sound end: nothing is said, e-mails are compared in their canonical form', () => {
  expect(judge(sound())).toEqual([]);
});

test('I1: a field differs; a record has no object; a parked record may differ', () => {
  const remotes = [{ ...sound().remotes[0]!, name: 'B' }];
  expect(broken({ remotes, history: [born(), did({ side: 'there', values: { name: 'B' } })] })).toEqual([
    'I1',
  ]);
  expect(broken({ remotes: [] })).toEqual(['I1']);
  const parked = [{ ...link, outcome: 'parked', reason: { code: 'ping_pong' } }];
  expect(broken({ remotes, links: parked, history: [born(), did({ values: { name: 'B' } })] })).toEqual([]);
});

test('I2: a second object with our mark, one that nobody has, and one that was created and forgotten', () => {
  const second = { ...sound().remotes[0]!, id: 'cus_2' };
  expect(broken({ remotes: [...sound().remotes, second] })).toEqual(['I2']);
  expect(broken({ remotes: [...sound().remotes, { ...second, metadata: {} }] })).toEqual(['I2']);
  const events = [event('evt_1'), event('evt_2', { object: 'cus_2', key: 'cp_x_2' })];
  expect(broken({ events, storedEvents: new Set(['evt_1', 'evt_2']) })).toEqual(['I2']);
});

describe('I3', () => {
  const lost = [{ record_id: RECORD, field: 'name', ours: 'A', theirs: 'B', cause: 'both_edited' }];

  test('an acknowledged edit that nothing later explains is lost', () => {
    expect(broken({ history: [born(), did({ values: { name: 'B' } })] })).toEqual(['I3']);
  });

  test('it is not when it is a recorded loser, or was overwritten on its own side by one', () => {
    const edit = did({ side: 'there', values: { name: 'B' } });
    expect(broken({ lost, history: [born(), edit] })).toEqual([]);
    const earlier = did({ side: 'there', values: { name: 'C' }, begin: 160, end: 170 });
    expect(broken({ lost, history: [born(), earlier, edit] })).toEqual([]);
    expect(broken({ lost, history: [born(), { ...earlier, side: 'here' }, edit] })).toEqual(['I3']);
  });

  test('an unknown one may be gone, and an older one may be overwritten', () => {
    expect(broken({ history: [born(), did({ values: { name: 'B' }, result: 'unknown' })] })).toEqual([]);
    const older = did({ values: { name: 'B' }, begin: 10, end: 20 });
    expect(broken({ history: [older, born()] })).toEqual([]);
  });

  test('an edit after the only deletion is lost unless it is kept as a loser', () => {
    const deletion = did({ kind: 'delete', begin: 200, end: 210 });
    const edit = did({ values: { name: 'B' }, begin: 300, end: 310 });
    expect(broken({ ...gone, history: [born(), deletion, edit] })).toEqual(['I3']);
    expect(broken({ ...gone, lost, history: [born(), deletion, edit] })).toEqual([]);
  });

  test('a value that stood and was agreed on both sides when it was deleted there is not lost by being written once more', () => {
    const deletion = did({ kind: 'delete', side: 'there', begin: 200, end: 210 });
    const again = did({ values: { name: 'A' }, begin: 300, end: 310 });
    const agreedOn = (name: string): Partial<Seen> => ({
      ...gone,
      links: [{ ...gone.links![0]!, base: { name: { ours: name, theirs: name } } }],
      history: [born(), deletion, again],
    });
    expect(broken(agreedOn('A'))).toEqual([]);
    expect(broken(agreedOn('B'))).toEqual(['I3']);
  });

  test('a restore that took place is undone only by a later deletion', () => {
    const timeline = [...sound().timeline, change(2, 420, 'restore', {})];
    const restore = did({ kind: 'restore', begin: 400, end: 450 });
    const before = did({ kind: 'delete', begin: 200, end: 210 });
    expect(broken({ ...gone, timeline, history: [born(), before, restore] })).toEqual(['I3']);
    const after = did({ kind: 'delete', begin: 500, end: 510 });
    expect(broken({ ...gone, timeline, history: [born(), before, restore, after] })).toEqual([]);
  });
});

test('I4: a value that nobody wrote, a deletion that nobody asked for', () => {
  const name = 'Z';
  const remotes = [{ ...sound().remotes[0]!, name }];
  const customers = [{ ...sound().customers[0]!, name }];
  expect(broken({ remotes, customers, history: [born()] })).toContain('I4');
  expect(broken(gone)).toEqual(['I3', 'I4']);
});

test('I6: what was deleted stands, and nobody restored it', () => {
  expect(broken({ history: [born(), did({ kind: 'delete' })] })).toEqual(['I6']);
  expect(broken({ history: [born(), did({ kind: 'delete' }), did({ kind: 'restore' })] })).toEqual([]);
});

test('I6: deleted at Stripe between a restore and the look that took it up, of which nobody told in time: the timeline says so', () => {
  const restore = did({ kind: 'restore', begin: 400, end: 450 });
  const deletion = did({ kind: 'delete', side: 'there', begin: 500, end: 510 });
  const history = [born(), did({ kind: 'delete', begin: 200, end: 210 }), restore, deletion];
  expect(broken({ history })).toContain('I6');
  const decided = {
    ...change(3, 600, 'restore', {}),
    kind: 'decision',
    detail: { what: 'restored/deleted renew' },
  };
  expect(broken({ history, timeline: [...sound().timeline, decided] })).not.toContain('I6');
  const earlier = { ...decided, at: new Date(450) };
  expect(broken({ history, timeline: [...sound().timeline, earlier] })).toContain('I6');
});

test('I9: a key that changed Stripe twice, and one that carried two requests', () => {
  const events = [event('evt_1'), event('evt_2', { type: 'customer.updated' })];
  expect(broken({ events, storedEvents: new Set(['evt_1', 'evt_2']) })).toEqual(['I9']);
  const request = {
    at: '',
    method: 'POST',
    path: '/v1/customers',
    idempotency_key: 'cp_x_1',
    status: 200,
    replayed: false,
    request_id: 'req_1',
    from: 'counterpart',
    reached: true,
    outcome: 'answered',
  };
  const twice = [
    { ...request, params: { name: 'A' } },
    { ...request, params: { name: 'B' } },
  ];
  expect(broken({ requests: twice })).toEqual(['I9']);
});

test('I10, I14: a row in the queue, an open intent, a link that waits, a connection that is down', () => {
  expect(broken({ queue: [{ record_id: RECORD }] })).toEqual(['I10']);
  expect(broken({ openIntents: [{ key: 'cp_x_1' }] })).toEqual(['I14']);
  expect(broken({ links: [{ ...link, outcome: 'waiting' }] })).toEqual(['I14']);
  expect(broken({ connections: [{ name: 'stripe', paused_at: null, down_since: '2026' }] })).toEqual(['I14']);
});

test('I11: an event that is listed and was never heard', () => {
  expect(broken({ storedEvents: new Set<string>() })).toEqual(['I11']);
});

test('I17: a request happened twice, or though it was refused', () => {
  const again = change(2, 130, 'create', { name: [null, 'A'] });
  const timeline = [...sound().timeline, { ...again, record_id: '01a00000-0000-7000-8000-000000000002' }];
  expect(broken({ timeline })).toEqual(['I17']);
  expect(
    broken({
      history: [
        { ...born(), result: 'failed', recordId: null },
        did({ values: { name: 'A', email: 'a@example.com' } }),
      ],
    }),
  ).toEqual(['I17']);
});

test('I18, I3: a timeline as long as one is kept begins where the older part was removed, and a gap in it is one still', () => {
  const looks = Array.from({ length: 500 }, (_, i) => ({ ...change(10 + i, 130, 'edit', {}), kind: 'look' }));
  const begins = change(5, 125, 'edit', { name: ['?', 'A'], email: ['?', 'a@example.com'] });
  expect(broken({ timeline: [begins, ...looks] })).toEqual([]);
  expect(broken({ timeline: [begins, ...looks.slice(2)] })).toContain('I18');
  const gap = change(600, 140, 'edit', { name: ['X', 'A'] });
  expect(broken({ timeline: [begins, ...looks, gap] })).toContain('I18');
});

test('I18: the timeline has a gap, or ends with something else', () => {
  const gap = { ...change(2, 130, 'edit', { name: ['X', 'A'] }), connection: 'stripe' };
  expect(broken({ timeline: [...sound().timeline, gap] })).toEqual(['I18']);
  const other = change(2, 130, 'edit', { name: ['A', 'X'] });
  expect(
    broken({ timeline: [...sound().timeline, other], history: [born(), did({ values: { name: 'X' } })] }),
  ).toContain('I18');
});
