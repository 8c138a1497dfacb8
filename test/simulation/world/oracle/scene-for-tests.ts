/**
 * A run told by hand: one customer here and at stripe, step by step, as the engine would hand it over. What a test breaks is
 * what it says it breaks, and nothing else.
 */
import { createMemorySystem } from '../../../../src/connectors/memory';
import type { MemorySystem } from '../../../../src/connectors/memory';
import { markName } from '../../../../src/connectors/connector';
import type { Fields, FieldValue } from '../../../../src/core/fields';
import { parseRemoteId, trusted } from '../../../../src/core/ids';
import type { RemoteId } from '../../../../src/core/ids';
import type { RunSeen, Written } from '../../engine/outcome';
import type { Contents } from '../../engine/ports';
import type { Effect, Sight } from '../ledger';
import { CALM, PLAIN, recordOf } from '../plan';
import type { Plan } from '../plan';
import { evidenceOf } from './evidence';
import type { Check, Facts } from './evidence';

export const INSTALLATION = '0123456789abcdef';
export const ANN = recordOf(0);
const LINK = 1;

type Row = Record<string, unknown>;
type Tables = { -readonly [Name in keyof Contents]: Row[] };

const PLAN: Plan = {
  seed: 0,
  name: null,
  weather: 'calm',
  connections: [{ ...PLAIN, name: 'stripe' }],
  onConflict: 'local',
  onDelete: 'propagate',
  deleteGuard: null,
  workers: ['A'],
  population: [],
  acts: [],
  rates: CALM,
  held: false,
  schedule: 0,
};

export class Scene {
  plan: Plan = PLAN;
  readonly tables: Tables = {
    customers: [],
    tombstones: [],
    links: [],
    work_queue: [],
    intents: [],
    conflicts: [],
    events: [],
    timeline: [],
    connections: [{ name: 'stripe', paused_at: null, down_since: null }],
  };
  readonly effects: Effect[] = [];
  readonly sights: Sight[] = [];
  readonly written: Written[] = [];
  readonly runs: RunSeen[] = [];
  readonly handed: Array<Facts['handed'][number]> = [];
  readonly spoken: string[] = [];
  readonly copied = new Set<RemoteId>();
  readonly system: MemorySystem;
  came: Facts['came'] = 'rest';
  private steps = 0;
  private ids = 0;
  private restedAt: { ledger: number; tables: Tables } | null = null;

  constructor() {
    const nextId = (): string => `cus_${(this.ids += 1)}`;
    this.system = createMemorySystem({ name: 'stripe', clock: () => this.steps, nextId });
  }

  private tell(kind: string, more: Row): void {
    const { timeline } = this.tables;
    const blank = { connection: null, link_id: null, version: null, changes: {}, detail: {} };
    timeline.push({ at: this.steps, ...blank, seq: timeline.length + 1, record_id: ANN, kind, ...more });
  }

  get row(): Row | undefined {
    return this.tables.customers[0];
  }

  get link(): Row {
    const link = this.tables.links.at(-1);
    if (link === undefined) throw new Error('There is no link yet');
    return link;
  }

  get object(): RemoteId {
    return trusted(parseRemoteId(String(this.link['remote_id'])), 'remote id');
  }

  /** Something changed the row. @param connection null: the product itself */
  change(does: 'create' | 'restore' | 'edit' | 'delete', fields: Fields, connection: string | null): void {
    const { customers, tombstones } = this.tables;
    const before: Row = customers[0] ?? tombstones[0] ?? { version: 0 };
    const old = (customers[0] ?? (tombstones[0]?.['fields'] as Row | undefined) ?? {}) as Fields;
    const version = (before['version'] as number) + 1;
    const changed = Object.entries(fields).filter(([field, value]) => (old[field] ?? null) !== value);
    const changes = Object.fromEntries(changed.map(([field, value]) => [field, [old[field] ?? null, value]]));
    const now = { name: null, email: null, ...old, ...fields };
    customers.splice(0, 1);
    tombstones.splice(0, 1);
    if (does === 'delete')
      tombstones.push({ record_id: ANN, version, fields: { name: now.name, email: now.email } });
    else customers.push({ ...now, id: ANN, version });
    this.tell('change', {
      connection,
      link_id: connection === null ? null : LINK,
      version,
      changes: does === 'delete' ? {} : changes,
      detail: { does },
    });
  }

  /** The product writes, and is told that it did; a look follows. */
  write(does: Written['does'], fields: Fields = {}): this {
    const change = { insert: 'create', restore: 'restore', update: 'edit', remove: 'delete' } as const;
    const comesBack = does === 'insert' && this.tables.tombstones.length > 0;
    this.change(comesBack ? 'restore' : change[does], fields, null);
    this.steps += 1;
    const at = { begun: this.steps, ended: this.steps, at_ms: this.steps };
    this.written.push({ act: 0, does, record: ANN, fields, fate: 'ok', ...at });
    this.tell('look', {});
    return this;
  }

  /** Changes the link as the sync does, and the timeline with it. */
  relink(part: Row): this {
    const { links } = this.tables;
    const { base: pairs, ...rest } = part;
    const base = { ...((this.tables.links.at(-1)?.['base'] ?? {}) as Row), ...((pairs ?? {}) as Row) };
    const fresh = { id: LINK, connection: 'stripe', record_id: ANN, generation: 1, remote_id: null };
    const blank = { ...fresh, state: 'reserved', outcome: 'pending', reason: null, detached: false };
    const before: Row = links.at(-1) ?? {};
    const after: Row = { ...blank, ...before, ...rest, base };
    links.splice(-1, 1, after);
    const shown = ['generation', 'remote_id', 'state', 'outcome', 'reason', 'detached'];
    const changes: Row = Object.fromEntries(shown.map((name) => [name, [before[name] ?? null, after[name]]]));
    const old = (before['base'] ?? {}) as Row;
    for (const [field, pair] of Object.entries(base)) changes[`base.${field}`] = [old[field] ?? null, pair];
    this.tell('link', { connection: 'stripe', link_id: LINK, changes });
    return this;
  }

  agree(fields: Fields, theirs: Fields = fields): this {
    const pairs = Object.entries(fields).map(([field, ours]) => [
      field,
      { ours, theirs: theirs[field] ?? null },
    ]);
    return this.relink({
      state: 'linked',
      outcome: 'in_sync',
      reason: null,
      base: Object.fromEntries(pairs),
    });
  }

  note(effect: Partial<Effect> & Pick<Effect, 'by' | 'does'>): void {
    this.steps += 1;
    const blank = { recordId: null, key: null, values: null, replayed: false, applied: true, marks: null };
    const sides = { before: null, after: null, remoteId: null };
    this.effects.push({
      ...blank,
      ...sides,
      connection: 'stripe',
      step: this.steps,
      at_ms: this.steps,
      ...effect,
    });
  }

  private fieldsOf(id: RemoteId): Fields {
    return this.system.object(id).fields;
  }

  intent(key: string, kind: string, ending: string | null = 'done'): this {
    this.tables.intents.push({ key, link_id: LINK, kind, ending, sends: 1 });
    this.tell('intent', { connection: 'stripe', link_id: LINK, detail: { key } });
    if (ending !== null) this.tell('answer', { connection: 'stripe', link_id: LINK, detail: { key } });
    return this;
  }

  /** We create the object there. */
  create(key: string, fields: Fields): this {
    this.relink({}).intent(key, 'create');
    const remoteId = this.orphan(key, fields);
    return this.relink({ remote_id: remoteId }).agree(fields);
  }

  /** An object of ours that no link knows. */
  orphan(key: string, fields: Fields): RemoteId {
    const remoteId = this.system.plant(fields, { [markName(INSTALLATION)]: ANN });
    this.note({ by: 'us', does: 'create', remoteId, recordId: ANN, key, values: fields, after: fields });
    return remoteId;
  }

  /** We read the object. */
  see(): this {
    this.steps += 1;
    this.sights.push({ step: this.steps, connection: 'stripe', remoteId: this.object });
    return this;
  }

  /** We update the object there. */
  push(key: string, fields: Fields): this {
    const before = this.fieldsOf(this.object);
    this.intent(key, 'update');
    this.system.edit(this.object, fields);
    const after = this.fieldsOf(this.object);
    this.note({ by: 'us', does: 'update', remoteId: this.object, key, values: fields, before, after });
    return this.agree(fields);
  }

  /** What stands there comes here. */
  pull(fields: Fields): this {
    this.change('edit', fields, 'stripe');
    return this.agree(fields);
  }

  editThere(fields: Fields): this {
    const before = this.fieldsOf(this.object);
    this.system.edit(this.object, fields);
    this.note({
      by: 'people',
      does: 'update',
      remoteId: this.object,
      before,
      after: this.fieldsOf(this.object),
    });
    return this;
  }

  eraseThere(by: 'people' | 'us' = 'people'): this {
    const before = this.fieldsOf(this.object);
    this.system.erase(this.object);
    this.note({ by, does: 'remove', remoteId: this.object, before });
    return this;
  }

  lose(field: string, ours: FieldValue, theirs: FieldValue, more: Row = {}): this {
    const rest = { winner: 'local', cause: 'both_edited', resolved_at: null, ...more };
    const { conflicts } = this.tables;
    conflicts.push({ id: conflicts.length + 1, record_id: ANN, field, ours, theirs, ...rest });
    this.tell('lost', { connection: 'stripe', link_id: LINK, detail: { field, cause: rest.cause } });
    return this;
  }

  /** Nothing moves any more; what comes after is what must not. */
  rest(): this {
    this.restedAt = { ledger: this.effects.length, tables: structuredClone(this.tables) };
    return this;
  }

  facts(): Facts {
    const { effects, sights, tables, plan, came, copied } = this;
    const end = { step: this.steps, at_ms: this.steps, ledger: effects.length };
    const rested = this.restedAt ?? { ledger: effects.length, tables };
    return {
      plan,
      installation: INSTALLATION,
      written: this.written,
      remotes: { systems: [this.system], copied },
      ledger: { effects, sights, doubts: new Set() },
      handed: this.handed,
      tally: { crashes: 0 },
      runs: this.runs,
      came,
      settled: rested.tables,
      contents: tables,
      moments: { quiet: end, atRest: { ...end, ledger: rested.ledger }, atEnd: end },
      spoken: this.spoken,
    };
  }

  /** What a check says of it. */
  judged(check: Check): string[] {
    return check(evidenceOf(this.facts()));
  }
}

export const A: Fields = { name: 'Canary A', email: 'canary.a@example.com' };

/** Ann stands here and at stripe, in sync. */
export function inSync(): Scene {
  return new Scene().write('insert', A).create('key_1', A);
}
