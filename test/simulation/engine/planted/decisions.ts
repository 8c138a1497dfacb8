/** Mistakes about what is to be done, given what stands on both sides. */
import type { Defect } from './defect';

const tier = 'memory';

export const IN_DECISIONS: readonly Defect[] = [
  {
    name: 'the loser of a conflict is not recorded',
    file: 'src/core/merge.ts',
    find: "lost.push({ field, ours: here, theirs: there, winner: rule.onConflict, cause: 'both_edited' });",
    replace: '',
    tier,
    story: 'The policy decided, so there is nothing left to tell: an acknowledged value is nowhere.',
    shownBy: ['27'],
  },
  {
    name: 'a conflict that we win is not noted as seen',
    file: 'src/core/merge.ts',
    find: 'push[field] = here;\n        next[field] = { ours: there, theirs: there };',
    replace: 'push[field] = here;',
    tier,
    story: 'The push will move the base: an edit back before it is sent looks like nothing changed here.',
    shownBy: ['9, 27'],
  },
  {
    name: '404 means deleted',
    file: 'activities/examine.ts',
    find: "answer.failure.kind === 'gone' ? await unseenAndUnwanted(deps, tools, link) : null;",
    replace:
      "answer.failure.kind === 'gone' ? { remote: { kind: 'deleted' as const }, claims: null, requestId: null } : null;",
    tier,
    story: 'What is not found is gone: the credentials opened another account.',
    shownBy: ['56: another account answers: nothing'],
  },
  {
    name: 'a tombstone is no record',
    file: 'src/core/sides.ts',
    find: "return { kind: 'deleted', fields: record.fields, version: record.version };",
    replace: "return { kind: 'none' };",
    tier,
    story: 'A row that is not there was never there: what was deleted comes back.',
    shownBy: ['28: deleted here', '60: deleted here'],
  },
  {
    name: 'an edit there revives what was deleted here',
    file: 'src/core/decisionTable.ts',
    find: `edited: {
      verb: 'delete-remote',`,
    replace: `edited: {
      verb: 'create-local',`,
    tier,
    story: 'Somebody edited it, so it is wanted: delete beats edit, and nothing revives a tombstone.',
    shownBy: ['28: deleted here'],
  },
  {
    name: 'a deletion there loses against an edit here',
    file: 'src/core/decisionTable.ts',
    find: "verb: 'delete-local',\n      story: 'deleted there: it is deleted here too",
    replace: "verb: 'renew',\n      story: 'deleted there: it is deleted here too",
    tier,
    story: 'It stands here, so it is made there again.',
    shownBy: ['28: deleted there'],
  },
  {
    name: 'a deletion takes unseen edits with it in silence',
    file: 'src/core/merge.ts',
    find: "return [{ field, ours, theirs, winner: 'deletion' as const, cause: 'edit_and_delete' as const }];",
    replace: 'return [];',
    tier,
    story: 'Who is deleted needs no values: an acknowledged edit is nowhere.',
    shownBy: ['28'],
  },
  {
    name: 'the mark of another record is believed',
    file: 'activities/examine.ts',
    find: 'return foreignClaim(deps, link, view.claims);',
    replace: `const owner = view.claims;
    await deps.store.transact((tx) => tx.links.moveToRecord(link.id, owner));
    return stepResult('again', 'it says whose it is');`,
    tier,
    story: 'It says whose it is: but somebody copied the metadata, and that record has an object of its own.',
    shownBy: ['58'],
  },
  {
    name: 'any record with the same e-mail is recognised',
    file: 'activities/applyDecision.ts',
    find: 'if (matches.length === 1 && only?.free === true && (await takesOver(work, only.recordId))) {',
    replace: 'if (matches.length === 1 && only !== undefined) {',
    tier,
    story: 'The same e-mail is the same person: the record has an object there already.',
    shownBy: ['61'],
  },
  {
    name: 'a stranger goes with the record he was taken for',
    file: 'activities/applyDecision.ts',
    find: "if (!('version' in local)) throw new Error('A deletion was decided for a record without a tombstone');\n  if (neverAgreed(work.link)) return letGo(work, what);",
    replace:
      "if (!('version' in local)) throw new Error('A deletion was decided for a record without a tombstone');",
    tier,
    story: 'The record was deleted, so is its object: nothing was ever agreed about it.',
    shownBy: ['61: recognised'],
  },
  {
    name: 'a restore goes on with the retired link',
    file: 'activities/openLook.ts',
    find: 'const isMade = known !== undefined && LIVE.has(known.state);',
    replace: "const isMade = known !== undefined && known.state !== 'void';",
    tier,
    story: 'The record had a link already: its object is deleted for good.',
    shownBy: ['60: deleted here, restored later'],
  },
  {
    name: 'other systems are not told of what was pulled',
    file: 'activities/writeLink.ts',
    find: "if (deps.connectors.size > 1) await tx.queue.enqueue(link.catalog, [link.recordId], 'pull');",
    replace: 'if (deps.connectors.size > 1) await Promise.resolve([tx, link]);',
    tier,
    story: 'The look is about this record anyway: the other link was done before the pull.',
    shownBy: ['64: edited at one'],
  },
  {
    name: 'too many requests parks the record',
    file: 'src/core/failure.ts',
    find: `'rate-limited': {
    treatment: 'retry',`,
    replace: `'rate-limited': {
    treatment: 'park',`,
    tier,
    story: 'It was refused: a little later it would not have been.',
    shownBy: ['7'],
  },
  {
    name: 'an emptied field is taken for one that says nothing',
    file: 'src/core/merge.ts',
    find: "return { kind: oursChanged ? 'push' : 'pull' };",
    replace:
      "return { kind: oursChanged ? 'push' : rule.canonical(theirs) === null ? 'unchanged' : 'pull' };",
    tier,
    story: 'Empty there is nothing to take over: somebody emptied it on purpose.',
    shownBy: ['31'],
  },
];
