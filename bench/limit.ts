/**
 * `npm run bench:limit`: how much of a rate limit a backlog uses, and whether it makes the system answer 429. The simulator
 * counts as a token bucket of one second.
 *   --limit <n>  requests a second, default 25: about 12 looks a second. More than the machine looks at is no measurement
 *                of the limiter, so the machine must be quiet, or the limit lower.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { until } from './pace';
import { runSession, say } from './session';
import type { Rig } from './rig';

const { values } = parseArgs({ options: { limit: { type: 'string', default: '25' } } });
const PER_SECOND = Number(values.limit);
const WINDOW_MS = 30_000;
const SETTLE_MS = 3_000;
/** Two calls each: more than the window takes. */
const CUSTOMERS = Math.ceil((PER_SECOND * (WINDOW_MS + 2 * SETTLE_MS)) / 2_000);
const POLL_MS = 250;
const DEADLINE_MS = 120_000;
const WANTED_SHARE = 0.95;

/** @returns whether the limit was used and never exceeded */
async function measure(rig: Rig): Promise<boolean> {
  say(`… ${CUSTOMERS} customers are made`);
  await rig.local.insert(CUSTOMERS);
  const quiet = async () => (await rig.local.queueDepth()) === 0;
  await until('all customers are there', DEADLINE_MS, POLL_MS, quiet);
  say(`… and renamed, at ${PER_SECOND} requests a second, for ${WINDOW_MS / 1000} s`);
  await rig.local.renameAll('Renamed');
  await sleep(SETTLE_MS);
  const from = Date.now();
  await sleep(WINDOW_MS);
  const to = Date.now();
  const left = await rig.local.queueDepth();
  await until('all customers are renamed', DEADLINE_MS, POLL_MS, quiet);
  const requests = await rig.stripe.requests();
  const inWindow = requests.filter(({ at }) => Date.parse(at) >= from && Date.parse(at) < to);
  const perSecond = inWindow.length / ((to - from) / 1000);
  const refused = requests.filter(({ status }) => status === 429).length;
  const share = perSecond / PER_SECOND;
  process.stdout.write(
    `limit ${PER_SECOND}/s, used ${perSecond.toFixed(2)}/s over ${WINDOW_MS / 1000} s: ${(share * 100).toFixed(1)} %\n` +
      `429 among ${requests.length} requests: ${refused}\n` +
      `left to do at the end of the window: ${left} records\n`,
  );
  if (left === 0) throw new Error('The backlog ended before the window did: nothing was measured');
  return share >= WANTED_SHARE && refused === 0;
}

runSession(
  'bench:limit',
  { totalMaxMs: 5 * 60_000, variables: { SIMULATOR_RATE_LIMIT: String(PER_SECOND) } },
  measure,
);
