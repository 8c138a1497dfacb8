/** Mistakes about hearing, ordering and acknowledging. */
import type { Defect } from './defect';

const tier = 'memory';

export const IN_ORDER: readonly Defect[] = [
  {
    name: 'a decision is made on a row that is not held',
    file: 'activities/examine.ts',
    find: 'const record = await tx.records.lockRecord(tools.catalog, link.recordId);',
    replace: 'const record = await tx.records.readRecord(tools.catalog, link.recordId);',
    tier,
    story: 'Reading is enough to decide: the row is edited between the reading and the pull.',
  },
  {
    name: 'an attempt of an older look decides all the same',
    file: 'activities/examine.ts',
    find: 'const locked = await tx.links.lockFenced(link.id, link.fence);',
    replace:
      'const locked = (await tx.links.newestOfRecord(link.catalog, link.recordId)).find(({ id }) => id === link.id) ?? null;',
    tier,
    story: 'The link is the link: the attempt was kept, and a newer look has come and gone.',
  },
  {
    name: 'a look acknowledges whatever stands in the queue',
    file: 'activities/closeLook.ts',
    find: 'return tx.queue.acknowledge(catalog, recordId, end.seq);',
    replace:
      'return tx.queue.acknowledge(catalog, recordId, (await tx.queue.readHint(catalog, recordId))?.seq ?? end.seq);',
    tier,
    story: 'The look is over, so is the row: something newer came meanwhile.',
  },
  {
    name: 'the row is acknowledged when the look begins',
    file: 'activities/openLook.ts',
    find: "if (hint === null) return { kind: 'nothing' };",
    replace:
      "if (hint === null) return { kind: 'nothing' };\n    await tx.queue.acknowledge(catalogName, recordId, hint.seq);",
    tier,
    story: 'Somebody has it in hand: he dies before he has done anything.',
  },
  {
    name: 'a look that is not settled acknowledges',
    file: 'workflows/record.ts',
    find: "const unsettled = results.filter(({ next }) => next === 'again' || next === 'stale');",
    replace: 'const unsettled: typeof results = [];',
    tier,
    story: 'The look is over: but it asked for another one.',
  },
  {
    name: 'what is not answered is never rung again',
    file: 'src/queue/relay.ts',
    find: '{ ms: LEASE_MS, maxMs: LEASE_MAX_MS },',
    replace: '{ ms: LEASE_MAX_MS * 1_000, maxMs: LEASE_MAX_MS * 1_000 },',
    tier,
    story: 'A ring is a ring: the run was ended by hand, or the namespace wiped.',
  },
  {
    name: 'an echo is never looked at',
    file: 'src/inbound/door.ts',
    find: "if (lost.length === 0) return { kind: 'note', result: 'echo', recordId };",
    replace: "if (lost.length >= 0) return { kind: 'note', result: 'echo', recordId };",
    tier,
    story: 'We did it ourselves: it replaced a value that we had not seen.',
  },
  {
    name: 'whatever a key of ours is named in is an echo',
    file: 'src/inbound/door.ts',
    find: 'if (intent === null) return null;',
    replace:
      "if (intent === null || subject.change === 'updated') return { kind: 'note', result: 'echo', recordId: null };",
    tier,
    story: 'The key begins with our name, so it was us.',
  },
  {
    name: 'events are read by their time',
    file: 'src/inbound/poll.ts',
    find: 'const LATE_S = 10;',
    replace: 'const LATE_S = -1;',
    tier,
    story: 'What is older than the newest was read before: events surface late, and two share a second.',
  },
  {
    name: 'a deletion of a known object is a hint and no proof',
    file: 'src/inbound/door.ts',
    find: "if (decided.kind === 'queue' && decided.deleted && decided.linkId !== null) {",
    replace: "if (decided.kind === 'note' && decided.result === 'void') {",
    tier,
    story: 'The look will see it: but what it reads may be the word of a system that says 404.',
  },
  {
    name: 'what was pulled is agreed without being written',
    file: 'activities/applyDecision.ts',
    find: 'row = await tx.records.updatePulled(tools.catalog, link.recordId, step.pull);',
    replace: 'row = { fields: { ...row.fields, ...step.pull }, version: row.version };',
    tier,
    story: 'The base says it, and the row will follow.',
  },
  {
    name: 'an intent that was never sent stays open beside the next one',
    file: 'activities/examine.ts',
    find: 'if (intent !== null) await deps.store.intents.supersede(intent.key, link.fence);',
    replace: '',
    tier,
    story: 'It was never sent, so it does no harm: there may be one open intent at most.',
  },
  {
    name: 'a connection that was down stays down',
    file: 'src/pace/watch.ts',
    find: "if (await store.breakers.close(connection)) log.info({ connection }, 'the system answers again');",
    replace: "log.info({ connection }, 'the system answers again');",
    tier,
    story: 'It answers, which is all that was asked.',
  },
  {
    name: 'a refused key parks the record and not the connection',
    file: 'src/core/failure.ts',
    find: "unauthorized: { treatment: 'pause',",
    replace: "unauthorized: { treatment: 'park',",
    tier,
    story:
      'This call was refused: every other one is refused alike, and nobody lets the records go on when the key is right again.',
  },
];
