/** I13: every run that was ever recorded replays on today's workflows, so that a deploy or a roll-back breaks none. */
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { bundleWorkflows } from '../../src/temporal/bundle';
import { DATA_CONVERTER } from '../../src/temporal/dataConverter';
import { historyOf, keptHistories, readable } from './histories';
import { incompatible } from './incompatible';
import { runOf, SHAPE_NAMES, shapeOf } from './shapes';

const KEPT = keptHistories();
/** A bundle is made in two seconds on a quiet machine. */
const BUNDLE_MS = 60_000;

let code: string;
beforeAll(async () => {
  // a refused replay is what one of the tests wants, and each would be told of at length
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: 'ERROR' } },
  });
  ({ code } = await bundleWorkflows());
}, BUNDLE_MS);

/** Replays all that is kept. @returns what was refused, by file */
async function refusedBy(bundle: string): Promise<Map<string, string>> {
  const histories = KEPT.map((kept) => ({ workflowId: kept.file, history: historyOf(kept) }));
  const refused = new Map<string, string>();
  let replayed = 0;
  const options = { workflowBundle: { code: bundle }, dataConverter: { ...DATA_CONVERTER } };
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories)) {
    replayed += 1;
    if (error !== undefined) refused.set(workflowId, error.name);
  }
  expect(replayed).toBe(KEPT.length);
  return refused;
}

test('I13: every kept history replays on today’s code', async () => {
  expect(Object.fromEntries(await refusedBy(code))).toEqual({});
}, 60_000);

test('a change that breaks a run of any shape is refused', async () => {
  const refused = await refusedBy(incompatible(code));
  expect(KEPT.map(({ file }) => file).filter((file) => !refused.has(file))).toEqual([]);
  expect(new Set(refused.values())).toEqual(new Set(['DeterminismViolationError']));
}, 60_000);

test('every shape has a history, and every history is of its shape', () => {
  expect(SHAPE_NAMES.filter((name) => !KEPT.some(({ shape }) => shape === name))).toEqual([]);
  const others = KEPT.filter(({ shape, events }) => shapeOf(shape)?.shows(runOf(events)) !== true);
  expect(others.map(({ file }) => file)).toEqual([]);
});

test('no history has 1,000 events', () => {
  expect(KEPT.filter(({ events }) => events.length >= 1_000).map(({ file }) => file)).toEqual([]);
});

/** Every name and e-mail of the recording holds this word; then anybody's address, and `<process>@<machine>`. */
const PERSONAL = /canary|\w@[\w.-]+\.[a-z]{2}|\d@[a-z]/i;

test('I16: no personal value and no name of a machine stands in a kept history', () => {
  expect(KEPT.filter(({ events }) => PERSONAL.test(readable(events))).map(({ file }) => file)).toEqual([]);
});

test('a value that stands encoded in a history is found', () => {
  const planted = Buffer.from(JSON.stringify({ name: 'Canary' })).toString('base64');
  expect(readable([{ attributes: { payloads: [{ data: planted }] } }])).toMatch(PERSONAL);
  expect(readable([{ attributes: { identity: '4711@machine' } }])).toMatch(PERSONAL);
  expect(readable([{ attributes: { message: 'Key (email)=(ada@mail.test)' } }])).toMatch(PERSONAL);
  // the readable text of a real one holds what it was about
  expect(readable(KEPT[0]!.events)).toMatch(/"recordId\\":\\"[0-9a-f-]{36}/);
});
