/** I15: what a link without an answer holds up. On a real Temporal server, with scripted activities. */
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { Worker } from '@temporalio/worker';
import type { Activities, LookEnd, OpenLink, StepResult } from '../activities';
import { stepResult } from '../activities/stepResult';
import { parseCatalogName, parseConnectionName, parseRecordId, trusted } from '../src/core/ids';
import { bundleWorkflows } from '../src/temporal/bundle';
import { createDoorbell, ensureSearchAttributes, openClient } from '../src/temporal/client';
import { createWorkers } from '../src/temporal/worker';
import { freshNamespace } from '../test/environment/namespace';
import { until } from '../test/environment/until';

/** The conditions of a story have shorter deadlines of their own, which name what was waited for. */
const STORY_MS = 60_000;

const DEAD = trusted(parseConnectionName('dead'), 'connection name');
const ALIVE = trusted(parseConnectionName('alive'), 'connection name');
const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');

let client: Client;
let native: NativeConnection;
let workers: Worker[];
let running: Promise<unknown>;
let records = 0;

/** What one record's look meets; the dead link answers when it is let go. */
interface Story {
  readonly recordId: ReturnType<typeof recordId>;
  opens: number;
  seq: number;
  asked: number;
  readonly examined: OpenLink[];
  readonly closed: LookEnd[];
  alive: StepResult;
  readonly letGo: () => void;
  readonly answer: Promise<void>;
}

const stories = new Map<string, Story>();

function recordId() {
  records += 1;
  const id = `00000000-0000-7000-8000-${String(records).padStart(12, '0')}`;
  return trusted(parseRecordId(id), 'record id');
}

function begin(): Story {
  let letGo = (): void => undefined;
  const answer = new Promise<void>((resolve) => (letGo = resolve));
  const story: Story = {
    recordId: recordId(),
    opens: 0,
    seq: 1,
    asked: 0,
    examined: [],
    closed: [],
    alive: stepResult('done', 'scripted'),
    letGo,
    answer,
  };
  stories.set(story.recordId, story);
  return story;
}

function storyOf(id: string): Story {
  const story = stories.get(id);
  if (story === undefined) throw new Error('No story is told of this record');
  return story;
}

const activities: Activities = {
  async openLook(name) {
    const story = storyOf(name.recordId);
    story.opens += 1;
    const links = [DEAD, ALIVE].map((connection) => ({
      linkId: Number(name.recordId.slice(-6)),
      lookId: story.opens,
      connection,
    }));
    return { kind: 'open', seq: story.seq, hint: 'local', version: 1, links, paused: [] };
  },
  async hasNewer(hint) {
    const story = storyOf(hint.recordId);
    story.asked += 1;
    return story.seq !== hint.seq;
  },
  async examine(link) {
    const story = [...stories.values()].find(({ recordId: id }) => Number(id.slice(-6)) === link.linkId)!;
    story.examined.push(link);
    if (link.connection === ALIVE) {
      // a pull and its hint are one transaction
      if (story.alive.direction === 'in') story.seq = 2;
      return story.alive;
    }
    await story.answer;
    return stepResult('done', 'scripted');
  },
  send: async () => stepResult('done', 'scripted'),
  trace: async () => stepResult('done', 'scripted'),
  async closeLook(end) {
    storyOf(end.recordId).closed.push(end);
    return 'done';
  },
};

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { address, namespace } = await freshNamespace();
  client = openClient({ address }, namespace);
  native = await NativeConnection.connect({ address });
  await ensureSearchAttributes(client, namespace);
  workers = await createWorkers({
    connection: native,
    namespace,
    workflowBundle: await bundleWorkflows(),
    activities,
    connections: [DEAD, ALIVE],
  });
  running = Promise.all(workers.map((worker) => worker.run()));
  // the first run of a worker loads the bundle, which is no part of any story
  const first = begin();
  first.letGo();
  await ring(first);
  await result(first);
}, 60_000);

afterAll(async () => {
  for (const story of stories.values()) story.letGo();
  for (const worker of workers) worker.shutdown();
  await running;
  await native.close();
  await client.connection.close();
});

function ring({ recordId: id }: Story): Promise<void> {
  return createDoorbell(client, [DEAD, ALIVE], true).ring({ catalog: CUSTOMER, recordId: id });
}

const result = ({ recordId: id }: Story) => client.workflow.getHandle(`customer/${id}`).result();

function seen(story: Story, connection: string): number {
  return story.examined.filter((link) => link.connection === connection).length;
}

test(
  'a hint that comes while one link has no answer: the next look begins without it',
  async () => {
    const story = begin();
    await ring(story);
    await until('the first look is under way', async () => story.examined.length === 2);
    story.seq = 2;
    await ring(story);
    await until('the living link is looked at again', async () => seen(story, ALIVE) === 2);
    expect(story.closed).toEqual([]);
    story.letGo();
    expect(await result(story)).toMatchObject({ outcome: 'in_sync' });
    expect(story.closed).toMatchObject([{ seq: 2, unfinished: [] }]);
  },
  STORY_MS,
);

test(
  'what the living link brought here is taken on at once: nobody rang for it',
  async () => {
    const story = begin();
    story.alive = stepResult('done', 'scripted', { direction: 'in' });
    await ring(story);
    await until('the living link is looked at again', async () => seen(story, ALIVE) >= 2);
    story.letGo();
    await result(story);
    expect(story.closed.at(-1)).toMatchObject({ seq: 2 });
  },
  STORY_MS,
);

test(
  'an unanswered row that only rings again leaves no link behind',
  async () => {
    const story = begin();
    await ring(story);
    await until('the first look is under way', async () => story.examined.length === 2);
    await ring(story);
    await until('it was asked whether that is new', async () => story.asked === 1);
    await ring(story);
    await until('it was asked again', async () => story.asked === 2);
    expect(story.opens).toBe(1);
    story.letGo();
    await result(story);
    expect(seen(story, DEAD)).toBe(1);
    expect(story.closed).toMatchObject([{ seq: 1, unfinished: [] }]);
  },
  STORY_MS,
);
