/** Mistakes about writing to a remote: keys, intents, and what an answer means. */
import type { Defect } from './defect';

const tier = 'memory';

export const IN_INTENTS: readonly Defect[] = [
  {
    name: 'the key is a hash of what is sent',
    file: 'activities/applyDecision.ts',
    find: 'const key = keyPrefix(deps.installation, link.connection) + deps.random.uuid();',
    replace:
      'const key = keyPrefix(deps.installation, link.connection) + deps.fingerprint(kind, JSON.stringify([link.recordId, values]));',
    tier,
    story:
      'A hash needs no chance, and the same write has the same key by itself: A, B, A, B replays an old answer.',
    shownBy: ['3: a create in doubt that never arrived'],
  },
  {
    name: 'the key is a counter',
    file: 'activities/applyDecision.ts',
    find: 'const key = keyPrefix(deps.installation, link.connection) + deps.random.uuid();',
    replace: 'const key = `${keyPrefix(deps.installation, link.connection)}${link.id}_${version}`;',
    tier,
    story: 'Link and version name a write: but one version may be written more than once, with other fields.',
    shownBy: ['3: a create in doubt that never arrived'],
  },
  {
    name: 'each attempt has a key of its own',
    file: 'activities/send.ts',
    find: 'return tools.remote.create(intent.values, link.recordId, intent.key);',
    replace: 'return tools.remote.create(intent.values, link.recordId, `${intent.key}_${intent.sends}`);',
    tier,
    story:
      'A failed attempt is over, so the next one begins anew: an answer that was lost becomes a second customer.',
    shownBy: ['1: the answer to a create'],
  },
  {
    name: 'an update needs no intent',
    file: 'activities/applyDecision.ts',
    find: "if (pushes) await writeIntent(work, 'update', step.push, row.version, theirs);",
    replace: `if (pushes && link.remoteId !== null)
    await tools.remote.update(link.remoteId, step.push, keyPrefix(work.deps.installation, link.connection) + work.deps.random.uuid());`,
    tier,
    story:
      'An update can be sent again, so nobody has to remember it: what its answer was nobody knows then.',
    shownBy: ['1: the answer to an update'],
  },
  {
    name: 'an open update is not finished first',
    file: 'activities/examine.ts',
    find: 'if (intent?.inDoubt === true) return',
    replace: `if (intent?.inDoubt === true && intent.kind === 'update') await deps.store.intents.endIntent(intent.key, 'superseded', null);
  else if (intent?.inDoubt === true) return`,
    tier,
    story: 'What stands there now tells what became of it: but an edit back then looks like an edit there.',
    shownBy: ['63: a 504 while the origin still updates'],
  },
  {
    name: 'a time-out ends the intent',
    file: 'activities/send.ts',
    find: 'if (!failure.definite) return treatFailure(deps, tools, link, failure);',
    replace: `if (!failure.definite) {
    if (intent.kind === 'create') await deps.store.intents.endIntent(intent.key, 'not_applied', null);
    return treatFailure(deps, tools, link, failure);
  }`,
    tier,
    story: 'No answer is no success, so the intent is over: the create took effect all the same.',
    shownBy: ['1: the answer to a create'],
  },
  {
    name: 'a forgotten key is used once more for a create',
    file: 'activities/send.ts',
    find: "if (intent.kind === 'create' && intent.keyExpired) return stepResult('trace', 'the key may be forgotten');",
    replace: '',
    tier,
    story:
      'The same key can be repeated for ever: after a day the system has forgotten it and makes another one.',
    shownBy: ['3: a create in doubt'],
  },
  {
    name: 'a forgotten key is used once more for an update',
    file: 'activities/send.ts',
    find: "if (intent.keyExpired && intent.kind === 'update') return resolveUpdate(sending, 'not_applied');",
    replace: '',
    tier,
    story: 'An update can do no harm twice: but a person may have edited there meanwhile.',
    shownBy: ['52: an update in doubt', '3: an update in doubt'],
  },
  {
    name: 'a stored failure of a create proves that nothing was made',
    file: 'activities/send.ts',
    find: "return stepResult('trace', 'a stored failure was replayed', { requestId: failure.requestId });",
    replace: 'return settleNotApplied(sending, failure.requestId);',
    tier,
    story: 'The system said 500 and says it again: it may have failed after it had made the customer.',
    shownBy: ['8: a stored 500 of a create that took effect'],
  },
  {
    name: 'a look-up that failed found nothing',
    file: 'activities/trace.ts',
    find: "if (found.kind === 'failed') return treatFailure(deps, tools, link, found.failure);",
    replace: "if (found.kind === 'failed') return settleNotApplied(sending, null);",
    tier,
    story: 'Not found is not there: the list did not answer, and a second customer is made.',
    shownBy: ['8: a stored 500 of a create that took effect, and'],
  },
  {
    name: 'the answer is folded against the current row',
    file: 'activities/settle.ts',
    find: 'foldAnswer(link.base, intent.values, object.fields, ours, tools.policy)',
    replace:
      'foldAnswer(link.base, Object.fromEntries(Object.keys(intent.values).map((field) => [field, (ours ?? intent.values)[field] ?? null])), object.fields, ours, tools.policy)',
    tier,
    story: 'What stands here is what was sent: but the row moved on during the call.',
    shownBy: ['53'],
  },
  {
    name: 'fields that were not sent are agreed with the answer',
    file: 'src/core/fold.ts',
    find: 'else if (pair === undefined || !same(rule, theirs, pair.theirs)) lookAgain = true;',
    replace: 'else next[field] = { ours: ours?.[field] ?? null, theirs };',
    tier,
    story:
      'The answer is the whole object, so all of it is known now: an edit there is agreed without ever being read.',
    shownBy: ['25: another field emptied'],
  },
  {
    name: 'the base is the row and not the pair',
    file: 'src/core/fold.ts',
    find: 'next[field] = { ours: value, theirs };\n    if (same(rule, value, theirs)) continue;',
    replace:
      'next[field] = { ours: ours?.[field] ?? value, theirs };\n    if (same(rule, value, theirs)) continue;',
    tier,
    story: 'The base is what stands here: what was written during the call is never sent.',
    shownBy: ['53'],
  },
  {
    name: 'an update without an answer took effect',
    file: 'src/core/fold.ts',
    find: 'const tookEffect = fields.some(({ rule, value, theirs }) => same(rule, theirs, value));',
    replace: 'const tookEffect = fields.length > 0;',
    tier,
    story:
      'It was sent, so it is there, and what stands there is newer: our own write is undone by the old value.',
    shownBy: ['8: a stored 500 of an update that did not'],
  },
  {
    name: 'an old answer ends the look',
    file: 'activities/settle.ts',
    find: "const examines = fold.lookAgain || readByNone(sending) || made === 'deleting';",
    replace: "const examines = fold.lookAgain || made === 'deleting';",
    tier,
    story:
      'The intent of an earlier look was finished, so all is done: the hint was about an edit there that nobody read.',
    shownBy: ['12: an update is in doubt'],
  },
  {
    name: 'a stale attempt sends all the same',
    file: 'activities/send.ts',
    find: 'if (!(await deps.store.intents.markSent(intent.key, link.fence))) return STALE;',
    replace: 'await deps.store.intents.markSent(intent.key, link.fence);',
    tier,
    story:
      'Counting the sends is for the books: an attempt that was kept sends what another one has taken back.',
    shownBy: ['54: an attempt stalls'],
    schedules: 300,
  },
  {
    name: 'an update sends all fields',
    file: 'activities/applyDecision.ts',
    find: "if (pushes) await writeIntent(work, 'update', step.push, row.version, theirs);",
    replace: "if (pushes) await writeIntent(work, 'update', row.fields, row.version, theirs);",
    tier,
    story: 'The whole row is simpler than a part of it: an edit of another field there is undone.',
    shownBy: ['25: another field edited'],
  },
  {
    name: 'a deletion that finds nothing is a success on any account',
    file: 'activities/send.ts',
    find: 'const wrongAccount = await checkAccount(deps, tools.connector);\n    if (wrongAccount !== null) return wrongAccount;',
    replace: '',
    tier,
    story: 'Gone is gone: but the key was another account’s, and ours still stands there.',
    shownBy: ['56: another account answers our deletion'],
  },
];
