/**
 * One look at the world, by the real decisions: the order of steps is that of activities/ (openLook, examine,
 * applyDecision, send, settle, trace), with assignments where those write to Postgres and call a remote.
 */
import { assertNever } from '../../../src/core/assertNever';
import { foldAnswer, foldUnanswered } from '../../../src/core/fold';
import { droppedFields } from '../../../src/core/merge';
import { alsoHeld } from '../../../src/core/rank';
import { describeLocal } from '../../../src/core/sides';
import type { AgreedPair, Base, Fields } from '../../../src/core/fields';
import type { Decision, Step } from '../../../src/core/reconcile';
import type { Remote } from '../../../src/core/sides';
import { alike, form } from './values';
import { shaped } from './world';
import type { World, WorldIntent, WorldLink } from './world';

/** What becomes of the first call of a look. */
export type Fate = 'answered' | 'request lost' | 'answer lost';

export interface Weather {
  readonly fate: Fate;
  /** What people do after the intent is written down and before it takes effect there; and before its answer is folded. */
  readonly before: (world: World) => void;
  readonly after: (world: World) => void;
}

export type Next = 'examine' | 'send' | 'trace' | 'done' | 'again' | 'parked' | 'waiting' | 'nothing';

const CLEAR: Weather = { fate: 'answered', before() {}, after() {} };
const LIVE: ReadonlySet<WorldLink['state']> = new Set(['reserved', 'linked', 'deleting']);
/** As in workflows/record.ts. */
const STEPS_MAX = 6;

function openLink(world: World): WorldLink | null {
  const { link, record } = world;
  if (link !== null && LIVE.has(link.state)) return link;
  if (record.kind !== 'live') return null;
  if (link?.detached === true) {
    link.state = 'linked';
    return link;
  }
  const generation = (link?.generation ?? 0) + 1;
  return { generation, state: 'reserved', object: null, base: {}, remoteDeleted: false, detached: false };
}

function hasBase({ base }: WorldLink): boolean {
  return Object.keys(base).length > 0;
}

function read(world: World, link: WorldLink): Remote {
  if (link.remoteDeleted) return { kind: 'deleted' };
  if (link.object === null) return { kind: 'none' };
  const { deleted, fields } = world.objects[link.object]!;
  return deleted ? { kind: 'deleted' } : { kind: hasBase(link) ? 'edited' : 'created', fields };
}

function ours(world: World): Fields | null {
  return world.record.kind === 'live' ? world.record.fields : null;
}

function writeHere(world: World, values: Fields): void {
  const fields = { ...ours(world), ...values };
  world.setRecord({ kind: 'live', fields, version: world.now() }, 'sync');
}

function pulledBase(base: Base, pull: Fields): Base {
  const pairs = Object.entries(pull).map(([field, value]): [string, AgreedPair] => [
    field,
    { ours: value, theirs: value, pulled: true },
  ]);
  return { ...base, ...Object.fromEntries(pairs) };
}

function writeIntent(world: World, kind: WorldIntent['kind'], values: Fields, there: Fields): void {
  const replaces = Object.fromEntries(Object.keys(values).map((field) => [field, form(field, there[field])]));
  const { lookId } = world;
  world.intent = { kind, values, replaces, lookId, sends: 0, forgotten: false, effect: null };
}

function merge(world: World, link: WorldLink, step: Extract<Step, { kind: 'merge' }>, there: Fields): Next {
  world.lose(step.lost);
  world.asks = step.asks;
  if (Object.keys(step.pull).length > 0) writeHere(world, step.pull);
  const { policy } = world;
  const agreed = alsoHeld(link.base, step.base, { held: {}, fields: ours(world) ?? {}, policy });
  link.base = pulledBase(agreed, step.pull);
  link.state = 'linked';
  link.detached = false;
  if (Object.keys(step.push).length > 0) {
    writeIntent(world, 'update', step.push, there);
    return 'send';
  }
  return step.asks.length > 0 || droppedFields(link.base, policy).length > 0 ? 'parked' : 'done';
}

function end(link: WorldLink, state: 'retired' | 'void', more: Partial<WorldLink> = {}): void {
  Object.assign(link, { state, detached: false, ...more });
}

function apply(world: World, link: WorldLink, { step }: Decision, remote: Remote): Next {
  const there = 'fields' in remote ? remote.fields : {};
  const gone = remote.kind === 'deleted' ? { remoteDeleted: true } : {};
  world.asks = [];
  switch (step.kind) {
    case 'merge':
      return merge(world, link, step, there);
    case 'create-local':
      writeHere(world, step.values);
      link.base = pulledBase({}, step.values);
      link.state = 'linked';
      return 'done';
    case 'create-remote':
      writeIntent(world, 'create', step.values, {});
      link.state = 'reserved';
      return 'send';
    case 'delete-remote':
      world.lose(step.lost);
      writeIntent(world, 'delete', {}, {});
      Object.assign(link, { state: 'deleting', detached: false });
      return 'send';
    case 'delete-local': {
      world.lose(step.lost);
      const { record } = world;
      if (record.kind === 'live') world.setRecord({ ...record, kind: 'tombstone' }, 'sync');
      end(link, 'retired', { remoteDeleted: true });
      return 'done';
    }
    case 'detach':
      end(link, 'retired', { detached: true });
      return 'done';
    case 'retire':
      end(link, 'retired', gone);
      return 'done';
    case 'void':
      end(link, 'void', gone);
      return 'done';
    case 'renew':
      end(link, 'retired', gone);
      return 'again';
    case 'wait':
    case 'park-missing':
      throw new Error(`This world has no ${step.kind}: its objects can always be read`);
    default:
      return assertNever(step);
  }
}

function examine(world: World, link: WorldLink): Next {
  if (world.intent !== null && world.intent.sends > 0) return 'send';
  world.intent = null;
  const remote = read(world, link);
  const { generation, state, detached } = link;
  const ending = state === 'deleting' || detached;
  const local = describeLocal(world.record, {
    generation,
    ending,
    hasBase: hasBase(link),
    hasObject: link.object !== null,
  });
  return apply(world, link, world.tally.decide(link.base, local, remote, world.policy), remote);
}

/** The remote does what it was asked, once. What it overwrites and we did not know is told by its event (the door). */
function takeEffect(world: World, link: WorldLink, intent: WorldIntent): void {
  if (intent.effect !== null) return;
  const formed = Object.fromEntries(
    Object.entries(intent.values).map(([field, value]) => [field, shaped(world.shape, field, value)]),
  );
  if (intent.kind === 'create') {
    const fields = { name: null, email: null, plan: null, ...formed };
    world.objects.push({ fields, deleted: false });
    intent.effect = { object: world.objects.length - 1, answer: fields };
    world.remoteWrites += 1;
    return;
  }
  const object = world.objects[link.object!]!;
  if (object.deleted) {
    intent.effect = 'gone';
    return;
  }
  world.remoteWrites += 1;
  if (intent.kind === 'delete') {
    object.deleted = true;
    intent.effect = 'gone';
    return;
  }
  for (const [field, value] of Object.entries(intent.values)) {
    const theirs = object.fields[field] ?? null;
    if (form(field, theirs) === intent.replaces[field] || alike(field, theirs, formed[field])) continue;
    world.lose([{ field, ours: value, theirs, winner: 'local', cause: 'overwritten_unseen' }]);
  }
  object.fields = { ...object.fields, ...formed };
  intent.effect = { object: link.object!, answer: object.fields };
}

function settleWrite(
  world: World,
  link: WorldLink,
  intent: WorldIntent,
  object: number,
  answer: Fields,
): Next {
  const fold = foldAnswer(link.base, intent.values, answer, ours(world), world.policy);
  if (Object.keys(fold.take).length > 0) {
    writeHere(world, fold.take);
    world.lose(fold.lost);
  }
  world.intent = null;
  link.base = fold.base;
  link.object ??= object;
  if (link.state === 'reserved') link.state = 'linked';
  if (fold.dropped.length > 0) return 'parked';
  return fold.lookAgain || intent.lookId !== world.lookId ? 'examine' : 'done';
}

function settleDelete(world: World, link: WorldLink): Next {
  world.intent = null;
  end(link, 'retired', { remoteDeleted: true });
  return world.record.kind === 'live' ? 'again' : 'done';
}

/** The object with the values that were sent, so that an edit there since counts as one (activities/trace.ts). */
function asMade(fields: Fields, sent: Fields): Fields {
  const made = Object.entries(sent).filter(([field]) => (fields[field] ?? null) !== null);
  return { ...fields, ...Object.fromEntries(made) };
}

function trace(world: World, link: WorldLink): Next {
  const intent = world.intent!;
  if (intent.effect === null || intent.effect === 'gone') {
    world.intent = null;
    return 'examine';
  }
  const { object } = intent.effect;
  const { deleted, fields } = world.objects[object]!;
  if (deleted) {
    // Its values were never agreed: emptied since then, a field looks like one that was never filled.
    for (const field of Object.keys(intent.values))
      if (form(field, ours(world)?.[field]) === null) world.blurred.add(field);
    world.intent = null;
    Object.assign(link, { object, state: 'linked', remoteDeleted: true });
    return 'examine';
  }
  for (const [field, value] of Object.entries(intent.values)) {
    const altered = !alike(field, shaped(world.shape, field, value), value);
    if (altered || form(field, fields[field]) === null) world.blurred.add(field);
  }
  const settled = settleWrite(world, link, intent, object, asMade(fields, intent.values));
  return settled === 'done' ? 'examine' : settled;
}

function resolveUpdate(world: World, link: WorldLink, intent: WorldIntent): Next {
  const { deleted, fields } = world.objects[link.object!]!;
  world.intent = null;
  // Nobody can tell any more whether it took effect, so an edit back to the value before it looks like that value.
  if (deleted) for (const field of Object.keys(intent.values)) world.blurred.add(field);
  else link.base = foldUnanswered(link.base, intent.values, fields, ours(world), world.policy).base;
  return 'examine';
}

function send(world: World, link: WorldLink, weather: Weather): Next {
  const { intent } = world;
  if (intent === null) return 'examine';
  if (intent.forgotten && intent.kind === 'create') return 'trace';
  if (intent.forgotten && intent.kind === 'update') return resolveUpdate(world, link, intent);
  intent.sends += 1;
  weather.before(world);
  if (weather.fate === 'request lost') return 'waiting';
  takeEffect(world, link, intent);
  if (weather.fate === 'answer lost') return 'waiting';
  weather.after(world);
  const { effect } = intent;
  if (effect !== 'gone' && effect !== null)
    return settleWrite(world, link, intent, effect.object, effect.answer);
  if (intent.kind === 'delete') return settleDelete(world, link);
  world.intent = null; // an update that finds nothing changed nothing
  return 'examine';
}

/** One whole look. The weather is that of its first call; the others are answered. */
export function look(world: World, weather: Weather = CLEAR): Next {
  const link = openLink(world);
  if (link === null) return 'nothing';
  world.link = link;
  world.lookId += 1;
  let step: Next = 'examine';
  let now = weather;
  for (let taken = 0; taken < STEPS_MAX; taken += 1) {
    if (step === 'examine') step = examine(world, link);
    else if (step === 'trace') step = trace(world, link);
    else if (step === 'send') {
      step = send(world, link, now);
      if (step !== 'trace') now = CLEAR;
    } else return step;
  }
  return ['examine', 'send', 'trace'].includes(step) ? 'again' : step;
}
