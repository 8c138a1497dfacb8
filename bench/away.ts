/**
 * `npm run bench:away`: changes go on on both sides while Temporal is stopped; how long after its return all of them have
 * arrived.
 *   --minutes <n>     without Temporal, default 10
 *   --per-second <n>  changes, every second one here, the others at the simulator; default 5
 *   --customers <n>   over which they are spread in turn, default 2,000
 */
import { parseArgs } from 'node:util';
import { startOwnTemporal } from '../test/e2e/ownTemporal';
import type { OwnTemporal } from '../test/e2e/ownTemporal';
import { paced, until } from './pace';
import { runSession, say } from './session';
import type { Beside } from './session';
import { firstCopy } from './throughput';
import type { Rig } from './rig';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'per-second': { type: 'string', default: '5' },
    customers: { type: 'string', default: '2000' },
  },
});
const CUSTOMERS = Number(values.customers);
const PER_SECOND = Number(values['per-second']);
const CHANGES = Math.round(Number(values.minutes) * 60 * PER_SECOND);
const WANTED_S = 120;
const DRAIN_DEADLINE_MS = 600_000;
const POLL_MS = 200;

/** @returns customers whose name differs between the two sides */
async function unequal(rig: Rig): Promise<number> {
  const [ours, theirs] = await Promise.all([rig.local.names(), rig.stripe.customers()]);
  return theirs.filter(({ id, name }) => ours.get(id) !== name).length + Math.abs(ours.size - theirs.length);
}

async function measure(rig: Rig, temporal: OwnTemporal): Promise<boolean> {
  say(`… ${CUSTOMERS} customers on both sides`);
  await firstCopy(rig, CUSTOMERS);
  const customers = await rig.local.known();
  await temporal.stop();
  say(`… Temporal is stopped; ${CHANGES} changes in ${values.minutes} minutes`);
  await paced(CHANGES, 1000 / PER_SECOND, async (i) => {
    const customer = customers[i % customers.length];
    if (customer === undefined) return;
    if (i % 2 === 0) await rig.local.rename(customer.id, `Away ${i}`);
    else await rig.stripe.update(customer.remoteId, { name: `Away ${i}` });
  });
  const queued = await rig.local.queueDepth();
  const began = performance.now();
  const sinceS = (): number => (performance.now() - began) / 1000;
  await temporal.start();
  const up_s = sinceS();
  say(`… Temporal is back, ${queued} records wait`);
  await until('all are done', DRAIN_DEADLINE_MS, POLL_MS, async () => (await rig.local.queueDepth()) === 0);
  const drained_s = sinceS();
  const differ = await unequal(rig);
  process.stdout.write(
    [
      `changes while Temporal was stopped   ${CHANGES} in ${values.minutes} minutes, none refused`,
      `records that waited                  ${queued}`,
      `Temporal took to start               ${up_s.toFixed(1)} s`,
      `all done after its start was asked   ${drained_s.toFixed(1)} s   (wanted ${WANTED_S})`,
      `a second                             ${(queued / drained_s).toFixed(1)} records`,
      `customers that differ                ${differ}`,
      '',
    ].join('\n'),
  );
  return differ === 0 && drained_s <= WANTED_S;
}

let temporal: OwnTemporal | null = null;

/** A Temporal that can be stopped: the one that the system brings along would be started again by it. */
async function beside(): Promise<Beside> {
  const server = await startOwnTemporal(say);
  temporal = server;
  return { variables: { TEMPORAL_ADDRESS: server.address }, close: () => server.close() };
}

runSession('bench:away', { totalMaxMs: (Number(values.minutes) + 20) * 60_000, beside }, (rig) => {
  if (temporal === null) throw new Error('Temporal was not started');
  return measure(rig, temporal);
});
