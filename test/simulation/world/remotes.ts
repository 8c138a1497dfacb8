/**
 * The systems at the other end: memory systems behind a weather, each call of which takes a turn before its effect and one
 * after it. They outlive every process, and keep a ledger of all that was done to them.
 */
import { CUSTOMER } from '../../../src/catalogs/customer/customer';
import { createMemoryConnector, createMemorySystem } from '../../../src/connectors/memory';
import type { MemoryCall, MemorySystem } from '../../../src/connectors/memory';
import type { Connector, RemoteCatalog, RemoteEvent, RemoteObject } from '../../../src/connectors/connector';
import { OPEN_PASSAGE } from '../../../src/connectors/passage';
import type { Passage } from '../../../src/connectors/passage';
import type { Answer } from '../../../src/core/failure';
import type { Fields } from '../../../src/core/fields';
import { parseConnectionName, parseInstallationId, trusted } from '../../../src/core/ids';
import type { ConnectionName, RecordId, RemoteId } from '../../../src/core/ids';
import type { Chance, Turns, VirtualClock } from '../engine/ports';
import { called } from './calls';
import type { CallMoment, CallPorts, Weather } from './calls';
import { createOutbox } from './deliveries';
import type { Delivery, Outbox } from './deliveries';
import { leavesInDoubt } from './failures';
import { formOf, refusedField } from './forms';
import type { Effect, Ledger, Sight } from './ledger';
import { createPeople } from './people';
import type { People } from './people';
import type { Deed, Operation, Plan, PlannedConnection, Where } from './plan';

const EVENTS_PAGE_MAX = 100;

export interface RemotesParts {
  readonly plan: Plan;
  readonly installation: string;
  readonly chance: Chance;
  readonly clock: VirtualClock;
  /** The scheduler's step, for the ledger. */
  readonly step: () => number;
  /** Of a process that never dies. */
  readonly own: Turns;
  readonly deliver: (delivery: Delivery) => void;
  readonly onMoment: (moment: CallMoment) => Promise<void> | null;
  readonly onFault: (name: string) => void;
  readonly onError: (error: unknown) => void;
}

type DeedOfWeather = Extract<Deed, { kind: 'fault' | 'outage' | 'webhooks lost' | 'redeliver' }>;

export interface Remotes extends People {
  /** In the order of rank, the highest first. */
  readonly systems: readonly MemorySystem[];
  readonly ledger: Ledger;
  /** The connections as one process has them: what it awaits is that process's turns. */
  connectors(
    turns: Turns,
    passage?: (connection: ConnectionName) => Passage,
  ): ReadonlyMap<ConnectionName, Connector>;
  /** What the plan does to the weather. */
  order(deed: DeedOfWeather): void;
  /** Hands over the events of all that happened since. To be called after whatever may have changed something. */
  flush(): void;
  /** Hands every event over once more. */
  redeliver(): void;
  /** No fault and no outage from now on. */
  heal(): void;
}

interface Place {
  readonly planned: PlannedConnection;
  readonly system: MemorySystem;
  readonly weather: Weather;
  readonly outbox: Outbox;
  readonly name: ConnectionName;
}

export function createRemotes(parts: RemotesParts): Remotes {
  const { plan, chance, clock, step } = parts;
  const installation = trusted(parseInstallationId(parts.installation), 'installation');
  const effects: Effect[] = [];
  const sights: Sight[] = [];
  const doubts = new Set<string>();
  const places = new Map<Where, Place>();
  for (const planned of plan.connections) {
    const system = createMemorySystem({
      name: planned.name,
      clock: () => clock.now_ms(),
      nextId: () => `${planned.name}_${chance.uuid().slice(0, 8)}`,
    });
    system.form = formOf(planned.form);
    if (planned.refuses) system.refuses = refusedField;
    const weather = { connection: planned.name, system, aimed: new Map(), outage: null, healed: false };
    const outbox = createOutbox(
      { planned, system, installation, chance, now_ms: () => clock.now_ms(), rates: plan.rates.events },
      parts.deliver,
    );
    const name = trusted(parseConnectionName(planned.name), 'connection name');
    places.set(planned.name, { planned, system, weather, outbox, name });
  }
  const note = (effect: Omit<Effect, 'step' | 'at_ms'>): void => {
    effects.push({ step: step(), at_ms: clock.now_ms(), ...effect });
    places.get(effect.connection)?.outbox.flush();
  };
  const saw = (connection: Where, remoteId: RemoteId): (() => void) => {
    const sight = { step: step(), connection, remoteId };
    return () => void sights.push(sight);
  };
  const people = createPeople(places, parts.installation, note);
  const ports: CallPorts = { ...parts, rates: plan.rates };

  return {
    ...people,
    systems: [...places.values()].map(({ system }) => system),
    ledger: { effects, sights, doubts },
    connectors: (turns, passage) =>
      new Map(
        [...places.values()].map((place) => [
          place.name,
          connectorAt(
            ports,
            place,
            turns,
            { note, saw, doubts },
            {
              installation: parts.installation,
              passage: passage?.(place.name) ?? OPEN_PASSAGE,
            },
          ),
        ]),
      ),
    order(deed) {
      const place = places.get(deed.connection);
      if (place === undefined) throw new Error(`The plan has no connection ${deed.connection}`);
      const { weather, outbox } = place;
      if (deed.kind === 'fault') {
        const waiting = weather.aimed.get(deed.operation) ?? [];
        weather.aimed.set(deed.operation, [...waiting, deed.fault]);
      } else if (deed.kind === 'outage') {
        weather.outage = { how: deed.how, until_ms: clock.now_ms() + deed.for_ms };
      } else if (deed.kind === 'webhooks lost') outbox.closeUntil(clock.now_ms() + deed.for_ms);
      else outbox.again();
    },
    flush() {
      for (const { outbox } of places.values()) outbox.flush();
    },
    redeliver() {
      for (const { outbox } of places.values()) outbox.again();
    },
    heal() {
      for (const { weather, outbox } of places.values()) {
        weather.healed = true;
        outbox.heal();
      }
    },
  };
}

/** Where a connector tells what it did and saw. */
interface Told {
  readonly note: (effect: Omit<Effect, 'step' | 'at_ms'>) => void;
  /** Notes a reading as of now, once its answer has come. */
  readonly saw: (connection: Where, remoteId: RemoteId) => () => void;
  readonly doubts: Set<string>;
}

interface Mutation {
  readonly does: 'create' | 'update' | 'remove';
  readonly remoteId: RemoteId | null;
  readonly recordId: RecordId | null;
  readonly key: string | null;
  readonly values: Fields | null;
}

function connectorAt(
  ports: CallPorts,
  { planned, system, weather, name }: Place,
  turns: Turns,
  { note, saw, doubts }: Told,
  { installation, passage }: { installation: string; passage: Passage },
): Connector {
  const parsed = trusted(parseInstallationId(installation), 'installation');
  const inner = createMemoryConnector({ connection: name, installation: parsed, system });
  const records = inner.catalogs.get(CUSTOMER.name);
  if (records === undefined) throw new Error('A memory connector without customers');
  const { clock } = ports;
  const call = <T>(operation: Operation, effect: () => Promise<Answer<T>>): Promise<Answer<T>> => {
    const begun_ms = clock.now_ms();
    return passage(operation, () => called(ports, weather, { turns, operation, begun_ms, effect }));
  };
  const standing = (id: RemoteId | null): Fields | null => {
    if (id === null) return null;
    const found = system.living().find(([one]) => one === id);
    return found?.[1].fields ?? null;
  };

  async function noted<T extends RemoteObject | null>(
    mutation: Mutation,
    send: () => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    const before = standing(mutation.remoteId);
    const heard = system.calls.length;
    const told = system.events().length;
    const sent = send();
    // the system does its part before the first await of the call
    const done: MemoryCall | undefined = system.calls[heard];
    const applied = done?.applied === true;
    const made = applied && mutation.does === 'create' ? (system.events()[told]?.object.id ?? null) : null;
    const remoteId = mutation.remoteId ?? made;
    const after = standing(remoteId);
    const marks = remoteId === null || after === null ? null : system.object(remoteId).marks;
    const answer = await sent;
    const replayed = answer.kind === 'answered' ? answer.replayed : answer.failure.replayed;
    note({
      connection: planned.name,
      by: 'us',
      does: mutation.does,
      recordId: mutation.recordId,
      key: mutation.key,
      values: mutation.values,
      remoteId,
      applied,
      replayed,
      before,
      after,
      marks,
    });
    return answer;
  }

  const catalog: RemoteCatalog = {
    async read(remoteId) {
      let seen = (): void => undefined;
      const answer = await call('read', () => {
        seen = saw(planned.name, remoteId);
        return records.read(remoteId);
      });
      // an answer that is lost shows nothing
      if (answer.kind === 'answered') seen();
      return answer;
    },
    findAlike: (value) => call('list', () => records.findAlike!(value)),
    list: (page) =>
      call('list', async () => {
        const answer = await records.list(page);
        if (answer.kind === 'failed' || planned.listLag_ms === 0) return answer;
        const isShown = ({ remoteId }: RemoteObject): boolean =>
          system.object(remoteId).madeAt <= clock.now_ms() - planned.listLag_ms;
        return { ...answer, value: { ...answer.value, objects: answer.value.objects.filter(isShown) } };
      }),
    async create(values, recordId, key) {
      const answer = await call('create', () =>
        noted({ does: 'create', remoteId: null, recordId, key, values }, () =>
          records.create(values, recordId, key),
        ),
      );
      if (answer.kind === 'failed' && leavesInDoubt(answer.failure)) doubts.add(key);
      return answer;
    },
    update: (remoteId, values, key) =>
      call('update', () =>
        noted({ does: 'update', remoteId, recordId: null, key, values }, () =>
          records.update(remoteId, values, key),
        ),
      ),
    remove: (remoteId) =>
      call('remove', () =>
        noted({ does: 'remove', remoteId, recordId: null, key: null, values: null }, () =>
          records.remove(remoteId),
        ),
      ),
    findCreated: (search) =>
      call('findCreated', async () => {
        const answer = await records.findCreated(search);
        if (answer.kind === 'failed' || answer.value.kind !== 'found' || planned.hasEventList) return answer;
        return { ...answer, value: { ...answer.value, made: null } };
      }),
  };

  const shown = (event: RemoteEvent): RemoteEvent => ({
    ...event,
    causedByKey: planned.tellsCause ? event.causedByKey : null,
    subject:
      event.subject === null || planned.tellsPrevious ? event.subject : { ...event.subject, previous: null },
  });
  const { listEvents } = inner;
  return {
    ...inner,
    catalogs: new Map([[CUSTOMER.name, catalog]]),
    identify: () =>
      call('identify', async () => {
        const answer = await inner.identify();
        const isOther = weather.outage?.how === 'other account' && !weather.healed;
        if (answer.kind === 'failed' || !isOther) return answer;
        return { ...answer, value: { ...answer.value, account: 'another account' } };
      }),
    listEvents:
      listEvents === null || !planned.hasEventList
        ? null
        : (page) =>
            call('listEvents', async () => {
              const answer = await listEvents({ ...page, limit: Math.min(page.limit, EVENTS_PAGE_MAX) });
              if (answer.kind === 'failed') return answer;
              const newest_s = Math.floor((clock.now_ms() - planned.listLag_ms) / 1000);
              const events = answer.value.events
                .filter(({ createdAt }) => planned.listLag_ms === 0 || createdAt <= newest_s)
                .map(shown);
              return { ...answer, value: { ...answer.value, events } };
            }),
  };
}
