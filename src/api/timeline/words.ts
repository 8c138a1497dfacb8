/** A timeline entry in plain words: names, ids and codes, never a value. */
import { DECISION_TABLE } from '../../core/decisionTable';
import { REASONS } from '../../core/reason';
import type { Reason } from '../../core/reason';
import type { TimelineEntry, TimelineKind } from '../../store/timeline';

type Words = (entry: TimelineEntry) => string;

/** A text or number of an entry's detail. */
function noted({ detail }: TimelineEntry, name: string): string {
  const value = detail[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** A newer version of the product may have written a word that this one does not know; then the word itself is told. */
function worded(table: Readonly<Record<string, string>>, word: string): string {
  return table[word] ?? word;
}

function listed(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : '';
}

function after({ changes }: TimelineEntry, name: string): unknown {
  return changes[name]?.[1];
}

const PRODUCT_DOES = { create: 'created', edit: 'edited', delete: 'deleted', restore: 'restored' };
const SYNC_DOES = {
  create: 'became a record here, as it was born there',
  edit: 'changed there and taken over:',
  delete: 'deleted here, as it was there',
  restore: 'restored here, as it stands there',
};

function change(entry: TimelineEntry): string {
  const { connection, version, changes, detail } = entry;
  const does = worded(connection === null ? PRODUCT_DOES : SYNC_DOES, noted(entry, 'does'));
  const fields = detail['does'] === 'edit' ? ` ${Object.keys(changes).join(', ')}` : '';
  return `${does}${fields} (version ${version})`;
}

const RESULTS = {
  queued: 'to be looked at',
  echo: 'our own write coming back, nothing to do',
  ignored: 'not about anything that is synced',
  retired: 'about an object that is not linked any more; nothing is revived',
  void: 'it was gone before it became a record here',
  set_aside: 'it could not be taken in; what it may have told is looked for',
};

function event(entry: TimelineEntry): string {
  return `${noted(entry, 'type')} (${noted(entry, 'event')}) by ${noted(entry, 'source')}: ${worded(RESULTS, noted(entry, 'result'))}`;
}

const HINTS = {
  local: 'a change here',
  webhook: 'a webhook',
  poll: 'a polled event',
  pull: 'a value that came from another system',
  sweep: 'what a sweep found',
  recovered: 'what the sweep after a restored backup found',
  operator: 'an operator who asks for it',
  recognised: 'another look, which recognised it',
};

function look(entry: TimelineEntry): string {
  const paused = listed(entry.detail['paused']);
  const left = paused === '' ? '' : `; left out, being paused: ${paused}`;
  return `a look begins, because of ${worded(HINTS, noted(entry, 'hint'))}${left}`;
}

/** What a decision moves, e.g. `push:email`. */
const MOVES: Readonly<Record<string, string>> = {
  pull: 'to take over',
  push: 'to send',
  ask: 'to be asked about',
  stopped: 'not written any more, being rewritten again and again',
};

/** `edited/edited merge push:email`, as a step of a look is described. */
function story(what: string): string {
  const [cell = '', verb = '', ...moves] = what.split(' ');
  const [local = '', remote = ''] = cell.split('/');
  const table: Readonly<Record<string, Readonly<Record<string, { story: string; verb: string }>>>> =
    DECISION_TABLE;
  const found = table[local]?.[remote];
  if (found === undefined) return what;
  if (verb === 'detach') return 'deleted here: the link is cut, the object there stays (ON_DELETE)';
  if (moves.includes('held')) return `${found.story}; but held back`;
  if (verb === 'merge' && moves.length === 0) return 'both sides were compared: nothing to write';
  const told = moves.flatMap((move) => {
    const [name = '', fields = ''] = move.split(':');
    return MOVES[name] === undefined ? [] : [`${MOVES[name]}: ${fields.replaceAll(',', ', ')}`];
  });
  return [found.story, ...told].join('; ');
}

function reasonWords(reason: Reason): string {
  const known: { message: string } | undefined = REASONS[reason.code];
  const facts = [reason.field === null ? null : `field ${reason.field}`, reason.detail].filter(Boolean);
  const about = facts.length === 0 ? '' : ` (${facts.join('; ')})`;
  return `${reason.code}: ${known?.message ?? 'a reason this version has no words for.'}${about}`;
}

const STATES = {
  reserved: 'a link is made',
  linked: 'linked',
  deleting: 'its deletion is on its way',
  retired: 'the link has ended',
  void: 'it never became a record; its id is remembered',
};

/** What a link came to, piece by piece. */
function linkChanges(entry: TimelineEntry): string[] {
  const { changes, detail } = entry;
  const said: string[] = [];
  const state = after(entry, 'state');
  const remoteId = after(entry, 'remote_id');
  const of = typeof remoteId === 'string' ? ` (${remoteId})` : '';
  if (state === 'reserved' && of !== '') said.push(`this id is reserved for an object there${of}`);
  else if (typeof state === 'string') said.push(`${worded(STATES, state)}${of}`);
  else if (of !== '') said.push(`its object is known${of}`);
  if (detail['moved_from'] !== undefined) {
    said.splice(0, 1, `its object${of} came from the id ${noted(entry, 'moved_from')}`);
  }
  const agreed = Object.keys(changes).filter((name) => name.startsWith('base.'));
  if (agreed.length > 0) said.push(`remembered as agreed: ${agreed.map((name) => name.slice(5)).join(', ')}`);
  if (after(entry, 'remote_deleted') === true) said.push('the system confirms that it is deleted there');
  if (after(entry, 'possible_duplicate') === true) said.push('a possible duplicate');
  const outcome = after(entry, 'outcome');
  const reason = after(entry, 'reason');
  if (typeof reason === 'object' && reason !== null) {
    said.push(`${typeof outcome === 'string' ? outcome : 'still so'}, ${reasonWords(reason as Reason)}`);
  } else if (outcome === 'in_sync') said.push('in sync');
  return said;
}

function link(entry: TimelineEntry): string {
  const { detail } = entry;
  if (detail['moved_to'] !== undefined) return `its object now belongs to the id ${noted(entry, 'moved_to')}`;
  if (after(entry, 'state') === null) return 'its reservation was let go';
  const said = linkChanges(entry);
  return said.length > 0 ? said.join('; ') : `noted: ${Object.keys(entry.changes).join(', ')}`;
}

const WRITES = { create: 'create it', update: 'send', delete: 'delete it' };

function intent(entry: TimelineEntry): string {
  const { version, detail } = entry;
  const fields = listed(detail['fields']);
  return `about to ${worded(WRITES, noted(entry, 'does'))}${fields === '' ? '' : `: ${fields}`} (version ${version})`;
}

function call(entry: TimelineEntry): string {
  const again = Number(entry.detail['sends']) > 1 ? ` again (try ${noted(entry, 'sends')})` : '';
  return `${noted(entry, 'does')} is sent${again}`;
}

const ENDINGS = {
  done: 'is done',
  refused: 'was refused',
  replayed_failure: 'was answered with an earlier failure',
  not_applied: 'did not take effect',
  superseded: 'is given up; a new decision takes its place',
};

const CAUSES = {
  both_edited: 'both sides changed it differently',
  ping_pong: 'it keeps being rewritten on both sides',
  edit_and_delete: 'an edit met a deletion',
  overwritten_unseen: 'our write replaced an edit we had not seen',
  altered: 'the system gave our value a form of its own',
};
const WINNERS = {
  local: 'ours stays, theirs is kept as lost',
  remote: 'theirs stays, ours is kept as lost',
  ask: 'a person is asked',
  deletion: 'the deletion stays, the edit is kept as lost',
};

function resolved(entry: TimelineEntry): string {
  const field = noted(entry, 'field');
  const resolution = noted(entry, 'resolution');
  if (resolution === '') return `${field}: the question answered itself, both sides are alike`;
  return `${field}: a person took ${resolution === 'local' ? 'our' : 'their'} value`;
}

const WORDS: Record<TimelineKind, Words> = {
  change,
  event,
  hint: (entry) => `to be looked at, because of ${worded(HINTS, noted(entry, 'hint'))}`,
  look,
  decision: (entry) => [story(noted(entry, 'what')), ...linkChanges(entry)].join('; '),
  intent,
  call,
  answer: (entry) => `${noted(entry, 'does')} ${worded(ENDINGS, noted(entry, 'ending'))}`,
  link,
  lost: (entry) =>
    `${noted(entry, 'field')}: ${worded(CAUSES, noted(entry, 'cause'))}; ${worded(WINNERS, noted(entry, 'winner'))}`,
  resolved,
};

export function wordsOf(entry: TimelineEntry): string {
  return WORDS[entry.kind](entry);
}

/** Whose doing it was: the `product` that writes here, an `operator`, `counterpart` itself, or a connection's name. */
export function doerOf({ kind, connection, detail }: TimelineEntry): string {
  if (kind === 'change') return connection ?? (detail['by'] === 'operator' ? 'operator' : 'product');
  if (kind === 'hint') return detail['hint'] === 'operator' ? 'operator' : 'counterpart';
  if (kind === 'resolved') return detail['resolution'] === null ? 'counterpart' : 'operator';
  const answered =
    kind === 'answer' && ['done', 'refused', 'replayed_failure'].includes(String(detail['ending']));
  return (kind === 'event' || answered ? connection : null) ?? 'counterpart';
}
