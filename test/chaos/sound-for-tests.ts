/** A sound end, which tests of the oracle spoil: a customer created here that stands on both sides. */
import type { Operation } from './history';
import type { LinkRow, Seen } from './seen';

export const RECORD = '01a00000-0000-7000-8000-000000000001';
export const OBJECT = 'cus_1';
export const MARK = 'counterpart_00112233445566ff';
let number = 0;

/** Operations are numbered, and timed by their number, from the beginning again. */
export const beginAnew = (): void => void (number = 0);

export function did(over: Partial<Operation>): Operation {
  number += 1;
  return {
    number,
    kind: 'edit',
    side: 'here',
    via: 'api-a',
    recordId: RECORD,
    remoteId: null,
    values: {},
    result: 'ok',
    begin: 1_000 + number * 100,
    end: 1_050 + number * 100,
    told: '200',
    ...over,
  };
}

export const born = (over: Partial<Operation> = {}): Operation =>
  did({ kind: 'create', values: { name: 'A', email: 'a@example.com' }, begin: 100, end: 150, ...over });

export const link: LinkRow = {
  id: '1',
  record_id: RECORD,
  generation: 1,
  remote_id: OBJECT,
  state: 'linked',
  outcome: 'in_sync',
  reason: null,
  base: {},
};

export function change(
  seq: number,
  at: number,
  does: string,
  changes: Record<string, readonly [unknown, unknown]>,
) {
  return {
    seq,
    record_id: RECORD,
    at: new Date(at),
    kind: 'change',
    connection: null,
    changes,
    detail: { does },
  };
}

export function event(
  id: string,
  over: { type?: string; key?: string | null; object?: string; name?: string } = {},
) {
  const { type = 'customer.created', key = 'cp_x_1', object = OBJECT, name = 'A' } = over;
  const customer = { id: object, name, email: 'a@example.com', metadata: { [MARK]: RECORD } };
  return { id, type, created: 1, data: { object: customer }, request: { idempotency_key: key } };
}

/** Created here, and it stands on both sides. */
export function sound(over: Partial<Seen> = {}): Seen {
  return {
    installation: '00112233445566ff',
    customers: [{ id: RECORD, name: 'A', email: 'a@example.com', version: 1 }],
    tombstones: [],
    links: [link],
    lost: [],
    queue: [],
    openIntents: [],
    connections: [{ name: 'stripe', paused_at: null, down_since: null }],
    timeline: [change(1, 120, 'create', { name: [null, 'A'], email: [null, 'a@example.com'] })],
    storedEvents: new Set(['evt_1']),
    remotes: [{ id: OBJECT, name: 'A', email: 'A@Example.com', metadata: { [MARK]: RECORD } }],
    events: [event('evt_1')],
    requests: [],
    history: [born()],
    ...over,
  };
}
