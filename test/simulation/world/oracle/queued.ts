import type { Fields } from '../../../../src/core/fields';
import type { Written } from '../../engine/outcome';
import type { Check, Entry, Evidence, RecordSeen } from './evidence';
import { condition, setAside } from './parked';
import { linkAt } from './evidence';
import { quoted } from './sameness';

const DOES: Readonly<Record<Written['does'], readonly string[]>> = {
  insert: ['create', 'restore'],
  restore: ['restore', 'create'],
  update: ['edit'],
  remove: ['delete'],
};

/** What stood here before the first entry and after each one. */
function statesOf(entries: readonly Entry[]): Array<Record<string, unknown>> {
  const states: Array<Record<string, unknown>> = [{}];
  for (const { changes } of entries) {
    const after = Object.fromEntries(Object.entries(changes).map(([field, pair]) => [field, pair[1]]));
    states.push({ ...states.at(-1), ...after });
  }
  return states;
}

const holds = (state: Readonly<Record<string, unknown>>, fields: Fields): boolean =>
  Object.entries(fields).every(([field, value]) => (state[field] ?? null) === value);

/** Each acknowledged write stands in the timeline, for itself. */
function unheard(evidence: Evidence, record: RecordSeen): string[] {
  const changes = record.entries.filter(({ kind }) => kind === 'change');
  const states = statesOf(changes);
  const taken = new Set<number>();
  return evidence.written.flatMap((write) => {
    if (write.record !== record.id || write.fate !== 'ok') return [];
    const found = changes.findIndex(
      ({ connection, detail }, place) =>
        connection === null &&
        !taken.has(place) &&
        DOES[write.does].includes(String(detail['does'])) &&
        holds(states[place + 1] ?? {}, write.fields),
    );
    if (found >= 0) {
      taken.add(found);
      return [];
    }
    // an update to what stood there already is no change
    if (write.does === 'update' && states.some((state) => holds(state, write.fields))) return [];
    const values = Object.entries(write.fields).map(([field, value]) => `${field} ${quoted(value)}`);
    return [
      `record ${record.id}: ${write.does} ${values.join(', ')} was acknowledged, and nothing here shows it`,
    ];
  });
}

/** Each change has a look that began after it, or waits in the queue. */
function unlooked(record: RecordSeen): string[] {
  const changed = record.entries.findLast(({ kind, connection }) => kind === 'change' && connection === null);
  if (changed === undefined || record.queued) return [];
  const looked = record.entries.some(({ kind, seq }) => kind === 'look' && seq > changed.seq);
  return looked
    ? []
    : [`record ${record.id}: no look began after its change ${changed.seq}, and it is not queued`];
}

/** I10: each committed change is queued or was looked at since; nothing is heard of what was rolled back (I4 has its values). */
export const i10Queued: Check = (evidence) => {
  const known = [...evidence.records.values()].flatMap((record) => [
    ...unheard(evidence, record),
    ...unlooked(record),
  ]);
  const orphans = evidence.written.filter(
    ({ record, fate }) => fate === 'ok' && !evidence.records.has(record),
  );
  return [
    ...known,
    ...orphans.map(
      ({ record, does }) => `record ${record}: ${does} was acknowledged, and nothing is known of it`,
    ),
  ];
};

/** I11: an event is stored once, and a sender who was answered 2xx is stored. */
export const i11Inbox: Check = ({ contents, handed }) => {
  const told: string[] = [];
  const stored = new Set<string>();
  for (const row of contents.events) {
    const name = `${String(row['connection'])} ${String(row['id'])}`;
    if (stored.has(name)) told.push(`the event ${name} is stored twice`);
    stored.add(name);
  }
  for (const { connection, event, acknowledged } of handed) {
    if (acknowledged && !stored.has(`${connection} ${event}`))
      told.push(`the event ${event} of ${connection} was acknowledged, and is not stored`);
  }
  return told;
};

function waitingLinks(evidence: Evidence, record: RecordSeen): string[] {
  return [...evidence.planned.keys()].flatMap((name) => {
    const link = linkAt(record, name);
    if (link === null || link.outcome === 'in_sync' || link.outcome === 'deleted') return [];
    if (link.outcome === 'parked') {
      return setAside(evidence, record, link) === null
        ? [`record ${record.id} at ${name} is set aside for a reason that is not true: ${condition(link)}`]
        : [];
    }
    // deleted here: what the newest link says is for I1
    return [`record ${record.id} at ${name} is left behind: ${condition(link)}`];
  });
}

/** I14: once faults have healed all comes to rest, and nothing waits unseen: in sync, or set aside for a reason that is true. */
export const i14Liveness: Check = (evidence) => {
  const { came, contents } = evidence;
  const told: string[] = came === 'bound' ? ['the world did not come to rest within the bound'] : [];
  for (const row of contents.work_queue) {
    told.push(
      `record ${String(row['record_id'])} still waits in the queue: hint ${String(row['hint'])}, waiting on ${JSON.stringify(row['waiting_on'])}, rung ${String(row['rings'])} times`,
    );
  }
  for (const row of contents.connections) {
    const name = String(row['name']);
    if ((row['paused_at'] ?? null) !== null)
      told.push(`${name} is still paused: ${String(row['pause_code'])}`);
    if ((row['down_since'] ?? null) !== null) told.push(`${name} is still down: ${String(row['down_code'])}`);
  }
  for (const { key, ending, linkId } of evidence.intents.values()) {
    if (ending === null) told.push(`the intent ${key} of link ${linkId} is still open`);
  }
  return [...told, ...[...evidence.records.values()].flatMap((record) => waitingLinks(evidence, record))];
};
