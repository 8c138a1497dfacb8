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
    shownBy: ['64: both systems'],
    schedules: 40,
  },
  {
    name: 'an attempt of an older look decides all the same',
    file: 'activities/examine.ts',
    find: 'const locked = await tx.links.lockFenced(link.id, link.fence);',
    replace: `const [newest] = (await tx.links.newestOfRecord(link.catalog, link.recordId)).filter(({ id }) => id === link.id);
    const locked = await tx.links.lockFenced(link.id, newest?.fence ?? link.fence);`,
    tier,
    story: 'The link is the link: the attempt was kept, and a newer look has come and gone.',
    shownBy: ['54'],
    schedules: 100,
  },
  {
    name: 'a look acknowledges whatever stands in the queue',
    file: 'activities/closeLook.ts',
    find: 'await deps.store.queue.acknowledge(catalog, recordId, end.seq)',
    replace:
      'await deps.store.queue.acknowledge(catalog, recordId, (await deps.store.queue.readHint(catalog, recordId))?.seq ?? end.seq)',
    tier,
    story: 'The look is over, so is the row: something newer came meanwhile.',
    shownBy: ['32: there and back quickly, here'],
  },
  {
    name: 'the number of a hint is counted in its row (in the twin)',
    file: 'test/simulation/store/enqueue.ts',
    find: '    seq: work_seq.next(),\n    hint,',
    replace: '    seq: 1,\n    hint,',
    and: {
      find: '      seq: work_seq.next(),\n      hint: excluded.hint,',
      replace: '      seq: before.seq + 1,\n      hint: excluded.hint,',
    },
    tier,
    story: 'It only has to grow: a row that was deleted begins again, and the end of an old look takes it.',
    shownBy: ['33'],
    schedules: 100,
  },
  {
    name: 'the row is acknowledged when the look begins',
    file: 'activities/openLook.ts',
    find: "if (hint === null) return { kind: 'nothing' };",
    replace:
      "if (hint === null) return { kind: 'nothing' };\n  await from.queue.acknowledge(catalogName, recordId, hint.seq);",
    tier,
    story: 'Somebody has it in hand: he dies before he has done anything.',
    shownBy: ['7'],
  },
  {
    name: 'a look that is not settled acknowledges',
    file: 'workflows/record.ts',
    find: "const unsettled = results.filter(({ next }) => next === 'again' || next === 'stale');",
    replace: 'const unsettled: typeof results = [];',
    tier,
    story: 'The look is over: but it asked for another one.',
    shownBy: ['12: an update is in doubt'],
  },
  {
    name: 'a run that goes on as new waits for a ring',
    file: 'workflows/record.ts',
    find: 'let dirty = true;\n  let restless',
    replace: "let dirty = !('goesOn' in input);\n  let restless",
    and: {
      find: 'continueAsNew<(input: RecordInput) => Promise<RecordResult>>({ recordId })',
      replace: 'continueAsNew<(input: object) => Promise<RecordResult>>({ recordId, goesOn: true })',
    },
    tier,
    story:
      'It continues because it was long, and not because something is left: what had rung before is forgotten.',
    shownBy: ['42'],
  },
  {
    name: 'a record at its agreed version is not looked at',
    file: 'activities/examine.ts',
    find: '  const view = await readRemote(deps, tools, link);',
    replace: `  const { equalsBase } = require('../src/core/merge') as typeof import('../src/core/merge');
  const row = await deps.store.records.readRecord(tools.catalog, link.recordId);
  if (row.kind === 'live' && equalsBase(link.base, row.fields, tools.policy)) return stepResult('done', 'nothing is new here');
  const view = await readRemote(deps, tools, link);`,
    tier,
    story: 'Our version is the agreed one, so all is agreed: the other side was never asked.',
    shownBy: ['15'],
  },
  {
    name: 'what is not answered is never rung again',
    file: 'src/queue/relay.ts',
    find: '{ ms: LEASE_MS, maxMs: LEASE_MAX_MS },',
    replace: '{ ms: LEASE_MAX_MS * 1_000, maxMs: LEASE_MAX_MS * 1_000 },',
    tier,
    story: 'A ring is a ring: the run was ended by hand, or the namespace wiped.',
    shownBy: ['43, 49'],
  },
  {
    name: 'an echo is never looked at',
    file: 'src/inbound/door.ts',
    find: "if (lost.length === 0) return { kind: 'note', result: 'echo', recordId };",
    replace: "if (lost.length >= 0) return { kind: 'note', result: 'echo', recordId };",
    tier,
    story: 'We did it ourselves: it replaced a value that we had not seen.',
    shownBy: ['25: edited there between our reading and our write'],
  },
  {
    name: 'whatever a key of ours is named in is an echo',
    file: 'src/inbound/door.ts',
    find: 'if (intent === null) return null;',
    replace:
      "if (intent === null || subject.change === 'updated') return { kind: 'note', result: 'echo', recordId: null };",
    tier,
    story: 'The key begins with our name, so it was us.',
    shownBy: ['25: edited there between our reading and our write'],
  },
  {
    name: 'events are read by their time',
    file: 'src/inbound/poll.ts',
    find: 'cursor.createdAt - (overlapped ? OVERLAP_S : LATE_S)',
    replace: 'cursor.createdAt + 1',
    tier,
    story: 'What is older than the newest was read before: events surface late, and two share a second.',
    shownBy: ['15, 16: no webhook arrives, and a second edit', '16: no webhook arrives, and edits'],
  },
  {
    name: 'an event that is not newer than the last is dropped',
    file: 'src/inbound/door.ts',
    find: '  const decided = await decide(ports, ports.store, connector, event);\n  const plain',
    replace: `  const heardAt = hear as unknown as { [Id in string]?: number };
  const about = event.subject?.remoteId ?? '';
  const isOld = (heardAt[about] ?? 0) >= event.createdAt;
  if (!isOld) heardAt[about] = event.createdAt;
  const decided: Plan = isOld ? { kind: 'note', result: 'ignored', recordId: null } : await decide(ports, ports.store, connector, event);
  const plain`,
    tier,
    story: 'Events come in any order, so the older one is old news: two edits of one second have one time.',
    shownBy: ['15', '16'],
  },
  {
    name: 'an event that was heard before is taken in again',
    file: 'src/inbound/door.ts',
    find: "  if (!(await storePassing(tx, heard(connector, event, source, made), queue ? source : null)))\n    return 'repeated';",
    replace: '  await storePassing(tx, heard(connector, event, source, made), queue ? source : null);',
    tier,
    story: 'It is stored once whatever happens: what is done about it was done before.',
    shownBy: ['25: edited there between our reading and our write'],
  },
  {
    name: 'what was pulled is agreed without being written',
    file: 'activities/applyDecision.ts',
    find: 'row = await tx.records.updatePulled(tools.catalog, link.recordId, step.pull);',
    replace: 'row = { fields: { ...row.fields, ...step.pull }, version: row.version };',
    tier,
    story: 'The base says it, and the row will follow.',
    shownBy: ['15'],
  },
  {
    name: 'an intent that was never sent stays open beside the next one',
    file: 'activities/examine.ts',
    find: 'if (intent !== null) await deps.store.intents.supersede(intent.key, link.fence);',
    replace: '',
    tier,
    story: 'It was never sent, so it does no harm: there may be one open intent at most.',
    shownBy: ['54: an attempt stalls'],
    schedules: 100,
  },
  {
    name: 'a connection that was down stays down',
    file: 'src/pace/watch.ts',
    find: "if (await store.breakers.close(connection)) log.info({ connection }, 'the system answers again');",
    replace: "log.info({ connection }, 'the system answers again');",
    tier,
    story: 'It answers, which is all that was asked.',
    shownBy: ['3: an update in doubt'],
  },
  {
    name: 'a refused key parks the record and not the connection',
    file: 'src/core/failure.ts',
    find: "unauthorized: { treatment: 'pause',",
    replace: "unauthorized: { treatment: 'park',",
    tier,
    story:
      'This call was refused: every other one is refused alike, and nobody lets the records go on when the key is right again.',
    shownBy: ['10'],
  },
];
