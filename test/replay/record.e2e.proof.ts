/**
 * `npm run histories`: drives the real product through every shape of a run and keeps its history, as of today. When to do
 * that again is in docs/ARCHITECTURE.md, "Kept histories". Every name and e-mail here holds the word that the test of the
 * kept histories looks for in them.
 */
import { Client, Connection } from '@temporalio/client';
import { parseCatalogName, parseRecordId, trusted } from '../../src/core/ids';
import { createDoorbell } from '../../src/temporal/client';
import { startSeveralSystems } from '../e2e/severalSystems';
import { startStage } from '../e2e/stage';
import type { Loose, Stage } from '../e2e/stage';
import { until } from '../environment/until';
import { createRecorder } from './recorder';
import type { Recorder } from './recorder';
import { SHAPE_NAMES } from './shapes';
import type { ShapeName } from './shapes';

const STORY_MS = 150_000;
const TODAY = new Date().toISOString().slice(0, 10);
const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');

let stage: Stage;
let connection: Connection;
let client: Client;
let recorder: Recorder;
const kept = new Set<ShapeName>();
let made = 0;

function person(): { name: string; email: string } {
  made += 1;
  return { name: `canary ${made}`, email: `canary.${made}@canary.example` };
}

async function fault(...faults: object[]): Promise<void> {
  await stage.stripe('POST', '/_sim/faults', { faults } as Loose);
}

async function heal(): Promise<void> {
  await stage.stripe('DELETE', '/_sim/faults');
}

async function show(id: string): Promise<Loose> {
  return (await stage.call('GET', `/customers/${id}`)).body;
}

async function inSync(id: string): Promise<void> {
  await until('it is in sync', async () => (await show(id)).sync[0].state === 'in_sync', 60_000);
  await stage.settled();
}

/** A customer that stands on both sides. */
async function linked(): Promise<{ id: string; remoteId: string }> {
  const { body } = await stage.call('POST', '/customers', person());
  await inSync(body.id);
  return { id: body.id, remoteId: (await show(body.id)).sync[0].remote_id };
}

async function edit(id: string): Promise<void> {
  expect((await stage.call('PATCH', `/customers/${id}`, { name: person().name })).status).toBe(200);
}

async function ring(recordId: string): Promise<void> {
  const record = { catalog: CUSTOMER, recordId: trusted(parseRecordId(recordId), 'record id') };
  await createDoorbell(client, ['stripe'], true).ring(record);
}

async function keepCustomer(shape: ShapeName, id: string): Promise<void> {
  await recorder.keepRun(shape, `customer/${id}`);
  kept.add(shape);
}

async function keepSweep(shape: ShapeName): Promise<void> {
  await recorder.keepRun(shape, 'sweep/stripe');
  kept.add(shape);
}

async function open(env: Record<string, string> = {}): Promise<void> {
  stage = await startStage({ simulator: { faults: true }, env });
  connection = await Connection.connect({ address: stage.temporal.address });
  client = new Client({ connection, namespace: stage.temporal.namespace });
  recorder = createRecorder(client, TODAY);
  await until('the first sweep is over', async () => {
    const { data } = (await stage.call('GET', '/sweeps')).body;
    return data[0]?.state === 'done';
  });
}

async function close(): Promise<void> {
  await connection.close();
  await stage.close();
}

describe('one connection', () => {
  beforeAll(() => open(), 60_000);
  afterAll(close, 60_000);

  test(
    'customers come and go, on either side',
    async () => {
      const { id, remoteId } = await linked();
      await keepCustomer('created-here', id);
      await edit(id);
      await inSync(id);
      await keepCustomer('change-out', id);
      await stage.stripe('POST', `/v1/customers/${remoteId}`, { name: person().name });
      await keepCustomer('change-in', id);
      await stage.call('DELETE', `/customers/${id}`);
      await keepCustomer('deleted-here', id);
      await stage.call('POST', `/customers/${id}/restore`);
      await keepCustomer('restored', id);
      const { email, name } = person();
      const born = await stage.stripe('POST', '/v1/customers', { name, email });
      const here = async () => (await stage.call('GET', `/customers?email=${email}`)).body.data[0]?.id;
      await until('it is here', async () => (await here()) !== undefined);
      const bornHere = await here();
      await keepCustomer('born-there', bornHere);
      await stage.settled();
      await stage.stripe('DELETE', `/v1/customers/${born.id}`);
      await keepCustomer('deleted-there', bornHere);
    },
    STORY_MS,
  );

  test(
    'the same field edited on both sides; what is refused; what is paused; nothing to do',
    async () => {
      const { id, remoteId } = await linked();
      await stage.call('POST', '/connections/stripe/pause');
      await edit(id);
      await stage.stripe('POST', `/v1/customers/${remoteId}`, person());
      await ring(id);
      await keepCustomer('paused', id);
      await stage.call('POST', '/connections/stripe/resume');
      await keepCustomer('conflict-settled', id);
      await stage.settled();
      await ring(id);
      await keepCustomer('nothing-to-do', id);
      const { rows } = await stage.pool.query(
        `insert into counterpart.customers (name, email) values ('canary', 'canary is no address') returning id`,
      );
      await keepCustomer('parked', rows[0].id);
    },
    STORY_MS,
  );

  test(
    'a hint during the look; one in the moment of completion; a run cancelled by hand',
    async () => {
      const { id } = await linked();
      const slow = { name: 'slow', method: 'POST', path: '/v1/customers/:id', times: 1, delay_ms: 1_500 };
      const sends = async (): Promise<number> =>
        (await stage.pool.query('select count(*)::int as n from counterpart.intents where sends > 0')).rows[0]
          .n;
      const slowly = async (): Promise<void> => {
        await fault(slow);
        const before = await sends();
        await edit(id);
        await until('it is under way', async () => (await sends()) > before);
      };
      await slowly();
      await edit(id);
      await keepCustomer('signal-during-look', id);
      await inSync(id);

      await slowly();
      const holder = await stage.pool.connect();
      await holder.query('begin');
      await holder.query('select 1 from counterpart.work_queue where record_id = $1 for update', [id]);
      await until('the look is about to be closed', async () => {
        const { rows } = await stage.pool.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return rows.length > 0;
      });
      await client.workflow.getHandle(`customer/${id}`).signal('hint');
      await holder.query('commit');
      holder.release();
      await keepCustomer('signal-at-completion', id);
      await inSync(id);

      await slowly();
      await client.workflow.getHandle(`customer/${id}`).cancel();
      await keepCustomer('cancelled', id);
      await inSync(id);
    },
    STORY_MS,
  );

  test(
    'a stream of changes; looks that never rest; Postgres without an answer',
    async () => {
      const { id } = await linked();
      await until(
        'a run continued as new',
        async () => {
          await edit(id);
          await Promise.all(Array.from({ length: 10 }, () => ring(id)));
          return recorder.hasRun('continued-first', `customer/${id}`);
        },
        60_000,
      );
      await keepCustomer('continued-first', id);
      await keepCustomer('continued-last', id);
      await keepCustomer('newer-rung', id);
      await inSync(id);

      // whoever acknowledges is told that something newer stands
      await stage.pool.query(
        `create function never() returns trigger language plpgsql as 'begin return null; end'`,
      );
      await stage.pool.query(
        'create trigger never before delete on counterpart.work_queue for each row execute function never()',
      );
      await edit(id);
      await keepCustomer('restless', id);
      await keepCustomer('newer-not-rung', id);
      await stage.pool.query('drop function never() cascade');
      await inSync(id);

      await stage.pool.query('alter table counterpart.work_queue rename to work_queue_away');
      await ring(id);
      await keepCustomer('unfinished', id);
      await stage.pool.query('alter table counterpart.work_queue_away rename to work_queue');
    },
    STORY_MS,
  );

  test(
    'sweeps: one that was asked for by the schedule, one that goes on and on, one with trouble',
    async () => {
      await keepSweep('sweep-whole');
      await client.schedule.getHandle('counterpart-sweeps').trigger();
      await recorder.keepRun('sweeps-requested', '');
      kept.add('sweeps-requested');
      const done = async (): Promise<boolean> =>
        (await stage.call('GET', '/sweeps')).body.data.every(({ state }: Loose) => state === 'done');
      await until('the sweep is done', done);

      const handle = client.workflow.getHandle('sweep/stripe');
      await stage.call('POST', '/connections/stripe/pause');
      expect((await stage.call('POST', '/sweeps')).status).toBe(202);
      const running = async (): Promise<boolean> => (await handle.describe()).status.name === 'RUNNING';
      await until('it goes on', running);
      await until(
        'a run continued as new',
        async () => {
          for (let i = 0; i < 4; i += 1) await handle.signal('hint');
          return recorder.hasRun('sweep-continued-first', 'sweep/stripe');
        },
        60_000,
      );
      await keepSweep('sweep-continued-first');
      await stage.call('POST', '/connections/stripe/resume');
      await handle.signal('hint');
      await keepSweep('sweep-continued-last');

      await until('the sweep is done', done);
      await stage.call('POST', '/connections/stripe/pause');
      expect((await stage.call('POST', '/sweeps')).status).toBe(202);
      await until('it goes on', running);
      await stage.pool.query('alter table counterpart.sweeps rename to sweeps_away');
      await handle.signal('hint');
      await until('its attempts are used up', async () => {
        const { events } = await handle.fetchHistory();
        return (events ?? []).some((event) => Boolean(event.activityTaskFailedEventAttributes));
      });
      await stage.pool.query('alter table counterpart.sweeps_away rename to sweeps');
      await stage.call('POST', '/connections/stripe/resume');
      await handle.signal('hint');
      await keepSweep('sweep-trouble');
    },
    STORY_MS,
  );

  test(
    'trouble: an answer that comes late, none at all, a key that is refused',
    async () => {
      const { id } = await linked();
      await fault({ name: 'answer-lost', method: 'POST', path: '/v1/customers/:id', times: 1 });
      await edit(id);
      await keepCustomer('answered-late', id);

      const creates = { method: 'POST', path: '/v1/customers' };
      await fault(
        { name: 'answer-lost', ...creates, times: 1 },
        { name: 'refuse-503', ...creates, after: 1, times: null },
      );
      const { body } = await stage.call('POST', '/customers', person());
      await keepCustomer('waiting', body.id);
      await stage.pool.query(`update counterpart.intents set first_sent_at = now() - interval '25 hours'
        where first_sent_at is not null and ended_at is null`);
      await fault({ name: 'refuse-503', path: '/v1/*', times: null });
      await until(
        'the connection is down',
        async () => {
          const { body: answer } = await stage.call('GET', '/connections');
          return answer.data[0].state === 'down';
        },
        60_000,
      );
      await edit(id);
      await ring(id);
      await keepCustomer('down', id);
      await heal();
      await keepCustomer('traced', body.id);
      await inSync(id);

      await fault({ name: 'unauthorized', path: '/v1/*', times: null });
      await edit(id);
      await keepCustomer('paused-meanwhile', id);
    },
    STORY_MS,
  );
});

describe('a person is asked', () => {
  beforeAll(() => open({ CONFLICT_POLICY: 'ask' }), 60_000);
  afterAll(close, 60_000);

  test(
    'the same field edited on both sides',
    async () => {
      const { id, remoteId } = await linked();
      await stage.call('POST', '/connections/stripe/pause');
      await edit(id);
      await stage.stripe('POST', `/v1/customers/${remoteId}`, { name: person().name });
      await stage.call('POST', '/connections/stripe/resume');
      await keepCustomer('conflict-asked', id);
    },
    STORY_MS,
  );
});

describe('three connections', () => {
  test(
    'all of them answer; then one of them does not',
    async () => {
      const systems = await startSeveralSystems();
      const wire = await Connection.connect({ address: systems.temporal.address });
      const { namespace } = systems.temporal;
      recorder = createRecorder(new Client({ connection: wire, namespace }), TODAY);
      const { rows } = await systems.database.query<{ id: string }>(
        `insert into counterpart.customers (name, email) values ('canary', 'canary@canary.example') returning id`,
      );
      const { id } = rows[0]!;
      await keepCustomer('several-links', id);
      await keepCustomer('sent-apart', id);
      systems.gate.stall();
      systems.crm.edit(systems.crm.living()[0]![0], { name: 'canary of the crm' });
      const reached = async () => systems.erp.living()[0]?.[1].fields['name'] === 'canary of the crm';
      await until('the others have it', reached);
      systems.gate.open();
      await keepCustomer('left-link', id);
      await wire.close();
      await systems.close();
    },
    STORY_MS,
  );
});

test('every shape was recorded', () => {
  expect([...kept].toSorted()).toEqual(SHAPE_NAMES.toSorted());
});
