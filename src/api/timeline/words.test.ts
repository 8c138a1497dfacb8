import type { TimelineEntry } from '../../store/timeline';
import { doerOf, wordsOf } from './words';

function entry(of: Partial<TimelineEntry> & Pick<TimelineEntry, 'kind'>): TimelineEntry {
  const nothing = { connection: 'stripe', linkId: 1, runId: null, requestId: null, version: null };
  return { seq: 1, at: new Date(0), ...nothing, changes: {}, detail: {}, ...of };
}
const decided = (what: string, changes: TimelineEntry['changes'] = {}) =>
  wordsOf(entry({ kind: 'decision', detail: { what }, changes }));

test('a decision is told by the story of its cell, and by what it moves', () => {
  expect(decided('created/none create-remote')).toBe('born here: it is created there');
  expect(decided('edited/edited merge')).toBe('both sides were compared: nothing to write');
  expect(decided('edited/edited merge pull:name push:email,phone')).toMatch(
    /^both stand: .*; to take over: name; to send: email, phone$/,
  );
  expect(decided('edited/edited merge stopped:name')).toMatch(/; not written any more, .*: name$/);
});

test('a deletion that stays here or is held back is not told as one that was sent', () => {
  expect(decided('deleted/edited detach')).toBe(
    'deleted here: the link is cut, the object there stays (ON_DELETE)',
  );
  const reason = { code: 'delete_burst', field: null, detail: null };
  const held = { outcome: ['in_sync', 'parked'], reason: [null, reason] } as const;
  expect(decided('deleted/edited delete-remote: held', held)).toMatch(
    /^deleted here: .*; but held back; parked, delete_burst: /,
  );
});

test('a reason that changes while the outcome stays is told', () => {
  const reason = { code: 'rate_limited', field: null, detail: 'lock_timeout (req_1)' };
  expect(wordsOf(entry({ kind: 'link', changes: { reason: [null, reason] } }))).toBe(
    'still so, rate_limited: The requests that may be sent in this time are used up, or the system asks us to slow down. (lock_timeout (req_1))',
  );
});

test('words of a newer version are told as they are', () => {
  expect(decided('merged/split conjure')).toBe('merged/split conjure');
  expect(wordsOf(entry({ kind: 'look', detail: { hint: 'oracle' } }))).toBe(
    'a look begins, because of oracle',
  );
  expect(wordsOf(entry({ kind: 'answer', detail: { does: 'update', ending: 'dreamt' } }))).toBe(
    'update dreamt',
  );
  const unknown = { reason: [null, { code: 'omen', field: null, detail: null }] } as const;
  expect(wordsOf(entry({ kind: 'link', changes: unknown }))).toContain(
    'a reason this version has no words for',
  );
  expect(wordsOf(entry({ kind: 'link', changes: { detached: [false, true] } }))).toBe('noted: detached');
});

test('a person, the product, a system and we ourselves are told apart', () => {
  const by = (of: Parameters<typeof entry>[0]) => doerOf(entry(of));
  expect(by({ kind: 'change', connection: null })).toBe('product');
  expect(by({ kind: 'change', connection: null, detail: { by: 'operator' } })).toBe('operator');
  expect(by({ kind: 'change' })).toBe('stripe');
  expect(by({ kind: 'resolved', detail: { resolution: 'remote' } })).toBe('operator');
  expect(by({ kind: 'resolved', detail: { resolution: null } })).toBe('counterpart');
  expect(by({ kind: 'answer', detail: { ending: 'refused' } })).toBe('stripe');
  expect(by({ kind: 'answer', detail: { ending: 'superseded' } })).toBe('counterpart');
  expect(by({ kind: 'hint', detail: { hint: 'sweep' } })).toBe('counterpart');
});
