/**
 * A remote system in memory, played by a test: what people do there, what the wire loses, and when a call stalls. Keeps
 * idempotency keys as Stripe does: the same key replays its first answer, and other params under it are an error.
 */
import type { Connector, Identity, Reading, RemoteObject } from '../../src/connectors/connector';
import type { Answer, FailureKind, RemoteFailure } from '../../src/core/failure';
import type { Fields } from '../../src/core/fields';
import type { ConnectionName, RecordId, RemoteId } from '../../src/core/ids';
import { parseCatalogName, parseRemoteId, trusted } from '../../src/core/ids';

type Operation = 'read' | 'create' | 'update' | 'remove' | 'findCreated' | 'identify';

export interface FakeCall {
  readonly operation: Operation;
  readonly remoteId: RemoteId | null;
  readonly key: string | null;
  readonly values: Fields | null;
  /** Whether the call changed something there; a replayed answer does not. */
  applied: boolean;
}

interface FakeObject {
  fields: Fields;
  claims: RecordId | null;
  /** The key it was created with. */
  key: string | null;
  /** `gone` answers 404: it cannot be seen with these credentials, whatever became of it. */
  state: 'present' | 'deleted' | 'gone';
}

/** One scripted mishap: it meets the next call of its operation. */
export interface Fault {
  readonly failure: RemoteFailure;
  /** `before` the call took effect, or `after`: only the answer is lost. */
  readonly when: 'before' | 'after';
  /** The system stores this failure under the call's key and replays it, marked. */
  readonly stored?: boolean;
}

export interface Held {
  /** Resolves when the call is there and has seen what it will answer. */
  readonly arrived: Promise<void>;
  release(): void;
}

export interface FakeSystem {
  readonly connector: Connector;
  readonly calls: FakeCall[];
  identity: Identity;
  /** What the system makes of values it is sent; a test may replace it. */
  form: (values: Fields) => Fields;
  /** Calls that change something there, in order. */
  writes(): FakeCall[];
  object(remoteId: RemoteId): Readonly<FakeObject>;
  living(): Array<[RemoteId, Readonly<FakeObject>]>;
  /** Somebody creates one in the system itself. */
  plant(fields: Fields, claims?: RecordId): RemoteId;
  edit(remoteId: RemoteId, fields: Fields): void;
  erase(remoteId: RemoteId): void;
  hide(remoteId: RemoteId): void;
  show(remoteId: RemoteId): void;
  forgetKeys(): void;
  fail(operation: Operation, fault: Fault): void;
  /** Runs `effect` while the next call of the operation is under way: done there, not yet answered. */
  during(operation: Operation, effect: () => Promise<void> | void): void;
  /** Stalls the next call of the operation after it has seen or done its part. */
  hold(operation: Operation): Held;
}

export function failureOf(kind: FailureKind, more: Partial<RemoteFailure> = {}): RemoteFailure {
  const nothing = { code: null, param: null, status: null, requestId: 'req_failed', retryAfterMs: null };
  const definite = kind === 'rejected' || kind === 'gone' || kind === 'bug';
  return { kind, ...nothing, replayed: false, definite, ...more };
}

function failed(failure: RemoteFailure): { kind: 'failed'; failure: RemoteFailure } {
  return { kind: 'failed', failure };
}

interface Stored {
  readonly params: string;
  readonly answer: Answer<RemoteObject>;
}

const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');
let objectsMade = 0;

function nextRemoteId(connection: ConnectionName): RemoteId {
  objectsMade += 1;
  return trusted(parseRemoteId(`${connection}_${process.pid}_${objectsMade}`), 'remote id');
}

export function createFakeSystem(connection: ConnectionName): FakeSystem {
  const objects = new Map<RemoteId, FakeObject>();
  const keys = new Map<string, Stored>();
  const faults = new Map<Operation, Fault[]>();
  const effects = new Map<Operation, Array<() => Promise<void> | void>>();
  const calls: FakeCall[] = [];

  const answered = <T>(value: T, replayed = false): Answer<T> => ({
    kind: 'answered',
    value,
    requestId: `req_${calls.length}`,
    replayed,
  });

  function shape(remoteId: RemoteId): RemoteObject {
    const { fields, claims } = known(remoteId);
    return { remoteId, fields, claims };
  }

  function known(remoteId: RemoteId): FakeObject {
    const object = objects.get(remoteId);
    if (object === undefined) throw new Error(`No object ${remoteId} was ever made in this fake system`);
    return object;
  }

  async function pass<T>(
    call: Omit<FakeCall, 'applied'>,
    work: (noted: FakeCall) => Answer<T>,
  ): Promise<Answer<T>> {
    const noted: FakeCall = { ...call, applied: false };
    calls.push(noted);
    const fault = faults.get(call.operation)?.shift();
    const keyed = call.operation === 'create' || call.operation === 'update';
    if (fault?.stored === true && keyed && call.key !== null) {
      const params = JSON.stringify([call.remoteId, call.values]);
      if (fault.when === 'after') work(noted);
      keys.set(call.key, { params, answer: failed({ ...fault.failure, replayed: true, definite: true }) });
      return failed(fault.failure);
    }
    if (fault?.when === 'before') return failed(fault.failure);
    const answer = work(noted);
    await effects.get(call.operation)?.shift()?.();
    return fault === undefined ? answer : failed(fault.failure);
  }

  /** Stripe's idempotency layer. */
  function once(noted: FakeCall, key: string, work: () => Answer<RemoteObject>): Answer<RemoteObject> {
    const params = JSON.stringify([noted.remoteId, noted.values]);
    const stored = keys.get(key);
    if (stored !== undefined && stored.params !== params) {
      return failed(failureOf('bug', { code: 'idempotency_error', status: 400 }));
    }
    if (stored !== undefined) {
      const { answer } = stored;
      return answer.kind === 'answered' ? { ...answer, replayed: true } : answer;
    }
    const answer = work();
    if (answer.kind === 'answered') noted.applied = true;
    keys.set(key, { params, answer });
    return answer;
  }

  const missing = (): Answer<never> => failed(failureOf('gone', { code: 'resource_missing', status: 404 }));

  const system: FakeSystem = {
    calls,
    identity: { account: 'acct_1', apiBase: 'https://fake.invalid', mode: 'test' },
    form: (values) => values,
    connector: {
      connection,
      system: 'fake',
      identify: () =>
        pass({ operation: 'identify', remoteId: null, key: null, values: null }, () =>
          answered(system.identity),
        ),
      receive: () => ({ kind: 'malformed' }),
      listEvents: null,
      catalogs: new Map([
        [
          CUSTOMER,
          {
            read: (remoteId) =>
              pass<Reading>({ operation: 'read', remoteId, key: null, values: null }, () => {
                const { state } = known(remoteId);
                if (state === 'gone') return missing();
                return answered(
                  state === 'deleted' ? { kind: 'deleted' } : { kind: 'present', object: shape(remoteId) },
                );
              }),
            create: (values, recordId, key) =>
              pass({ operation: 'create', remoteId: null, key, values }, (noted) =>
                once(noted, key, () => {
                  const remoteId = nextRemoteId(connection);
                  const fields = { name: null, email: null, ...system.form(values) };
                  objects.set(remoteId, { fields, claims: recordId, key, state: 'present' });
                  return answered(shape(remoteId));
                }),
              ),
            update: (remoteId, values, key) =>
              pass({ operation: 'update', remoteId, key, values }, (noted) =>
                once(noted, key, () => {
                  const object = known(remoteId);
                  if (object.state !== 'present') return missing();
                  object.fields = { ...object.fields, ...system.form(values) };
                  return answered(shape(remoteId));
                }),
              ),
            remove: (remoteId) =>
              pass({ operation: 'remove', remoteId, key: null, values: null }, (noted) => {
                const object = known(remoteId);
                if (object.state !== 'present') return missing();
                object.state = 'deleted';
                noted.applied = true;
                return answered(null);
              }),
            findCreated: ({ key, recordId, others = [] }) =>
              pass({ operation: 'findCreated', remoteId: null, key, values: null }, () => {
                // a server that names no keys in its lists: only the mark tells, and earlier generations bear it too
                const found = [...objects].find(
                  ([remoteId, { claims, key: made }]) =>
                    made === key || (claims === recordId && made !== null && !others.includes(remoteId)),
                );
                return answered(
                  found === undefined ? { kind: 'absent' } : { kind: 'found', remoteId: found[0] },
                );
              }),
          },
        ],
      ]),
    },
    writes: () => calls.filter(({ operation }) => ['create', 'update', 'remove'].includes(operation)),
    object: known,
    living: () => [...objects].filter(([, object]) => object.state === 'present'),
    plant(fields, claims) {
      const remoteId = nextRemoteId(connection);
      objects.set(remoteId, {
        fields: { name: null, email: null, ...fields },
        claims: claims ?? null,
        key: null,
        state: 'present',
      });
      return remoteId;
    },
    edit: (remoteId, fields) =>
      void Object.assign(known(remoteId), { fields: { ...known(remoteId).fields, ...fields } }),
    erase: (remoteId) => void Object.assign(known(remoteId), { state: 'deleted' }),
    hide: (remoteId) => void Object.assign(known(remoteId), { state: 'gone' }),
    show: (remoteId) => void Object.assign(known(remoteId), { state: 'present' }),
    forgetKeys: () => keys.clear(),
    fail: (operation, fault) => void faults.set(operation, [...(faults.get(operation) ?? []), fault]),
    during: (operation, effect) => void effects.set(operation, [...(effects.get(operation) ?? []), effect]),
    hold(operation) {
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      const arrived = new Promise<void>((resolve) => {
        system.during(operation, async () => {
          resolve();
          await released;
        });
      });
      return { arrived, release };
    },
  };
  return system;
}
