/** After the last fault: everything is healed, everything catches up, and then nothing more may be written. */
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Board } from './board';
import { resumeConnections } from './processFaults';
import type { Operation } from './history';
import { isEqual } from './oracle';
import { look } from './seen';
import type { Seen } from './seen';
import { PART_NAMES, WEBHOOK_SECRET } from './stage';
import type { Stage } from './stage';
import type { Violation } from './violation';
import { within } from './waiting';

/** I14: 30 s, beyond the longest wait that a fault may have left: the last attempts of a remote activity and a lease. */
export const RECOVERY_WANTED_MS = 30_000;
export const REMOTE_ATTEMPTS_MS = 75_000;
export const LEASE_MS = 40_000;
export const RECOVERY_MAX_MS = RECOVERY_WANTED_MS + REMOTE_ATTEMPTS_MS + LEASE_MS;
const SWEEP_MAX_MS = 60_000;
/** Two polls of the events and more: whatever was to be heard has been heard. */
const SILENT_MS = 6_000;
const SETTLE_EVERY_MS = 500;
const REDELIVERED_AT_ONCE = 8;

export interface Recovery {
  /** From the last mending until both sides were equal and nothing waited; null: not within the bound. */
  readonly equal_ms: number | null;
  /** The same, for the queue alone. */
  readonly emptyQueue_ms: number | null;
  readonly sweepFound: number;
  readonly retried: number;
  readonly redelivered: number;
}

/** Every process runs, every link passes, the simulator does what it should. */
export async function healAll(stage: Stage, board: Board): Promise<void> {
  for (const name of PART_NAMES) stage.parts[name].letGoOn();
  await Promise.all([
    stage.parts.postgres.start(),
    stage.parts.temporal.start(),
    stage.parts.simulator.start(),
  ]);
  for (const { proxy } of stage.links) proxy.heal();
  await board.clear();
  await Promise.all(PART_NAMES.map((name) => stage.parts[name].start()));
}

async function queued(stage: Stage): Promise<number> {
  const { rows } = await stage.pool.query<{ n: string }>(`select count(*) as n from counterpart.work_queue`);
  return Number(rows[0]?.n ?? 0);
}

async function see(stage: Stage, history: readonly Operation[]): Promise<Seen> {
  await stage.requests.read();
  return look(stage.pool, stage.dashboard, history, stage.requests.all());
}

/** @returns milliseconds, or null when it did not come about in time */
async function took(deadline_ms: number, holds: () => Promise<boolean>): Promise<number | null> {
  try {
    return await within('', deadline_ms, () => holds().catch(() => false), SETTLE_EVERY_MS);
  } catch {
    return null;
  }
}

async function askApi(stage: Stage, method: string, route: string): Promise<unknown> {
  const answer = await fetch(stage.apis[0] + route, { method, signal: AbortSignal.timeout(10_000) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${route} answered ${answer.status}: ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** @returns how many differences it found, of which no hint had told */
async function sweep(stage: Stage): Promise<number> {
  const asked = (await askApi(stage, 'POST', '/sweeps')) as { id: string };
  let found = 0;
  await within('the sweep ends', SWEEP_MAX_MS, async () => {
    const now = (await askApi(stage, 'GET', `/sweeps/${asked.id}`)) as { state: string; found: number };
    ({ found } = now);
    return now.state === 'done';
  });
  return found;
}

/** A person presses retry on whatever was set aside. @returns how many there were */
async function retryParked(stage: Stage, seen: Seen): Promise<number> {
  const parked = seen.links.filter(
    ({ outcome, state }) => outcome === 'parked' && state !== 'retired' && state !== 'void',
  );
  for (const { record_id: id } of parked) {
    const answer = await fetch(`${stage.apis[0]}/customers/${id}/sync`, {
      method: 'POST',
      signal: AbortSignal.timeout(10_000),
    });
    await answer.arrayBuffer();
  }
  return parked.length;
}

/** All events there are, once more, in an order of no meaning, signed anew. */
async function redeliver(stage: Stage, seen: Seen): Promise<number> {
  const waiting = [...seen.events];
  const send = async (): Promise<void> => {
    for (let event = waiting.pop(); event !== undefined; event = waiting.pop()) {
      const body = JSON.stringify(event);
      const at = Math.floor(Date.now() / 1000);
      const mac = createHmac('sha256', WEBHOOK_SECRET).update(`${at}.${body}`).digest('hex');
      const answer = await fetch(`${stage.apis[waiting.length % 2]}/webhooks/stripe`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${mac}` },
        signal: AbortSignal.timeout(10_000),
      });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`A redelivered event was answered with ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: REDELIVERED_AT_ONCE }, send));
  return seen.events.length;
}

interface Mark {
  readonly remoteWrites: number;
  readonly localChanges: number;
}

async function mark(stage: Stage): Promise<Mark> {
  await within('the simulator tells its requests', 10_000, () => stage.requests.read());
  const { rows } = await stage.pool.query<{ n: string }>(
    `select count(*) as n from counterpart.timeline where kind = 'change'`,
  );
  return { remoteWrites: stage.requests.writes().length, localChanges: Number(rows[0]?.n ?? 0) };
}

/** I7: while `provoke` is done and until it has been looked at, nothing is written on either side. */
async function silence(stage: Stage, what: string, provoke: () => Promise<unknown>): Promise<Violation[]> {
  const before = await mark(stage);
  const writes = stage.requests.writes().length;
  await provoke();
  await sleep(SILENT_MS);
  const settled = await took(SWEEP_MAX_MS, async () => (await queued(stage)) === 0);
  const after = await mark(stage);
  const found: Violation[] = [];
  if (settled === null)
    found.push({ invariant: 'I7', detail: `${what}: the queue did not become empty again` });
  for (const write of stage.requests.writes().slice(writes)) {
    found.push({ invariant: 'I7', detail: `${what}: wrote to Stripe: ${JSON.stringify(write)}` });
  }
  if (after.localChanges !== before.localChanges) {
    found.push({
      invariant: 'I7',
      detail: `${what}: ${after.localChanges - before.localChanges} changes were written here`,
    });
  }
  return found;
}

export async function recover(
  stage: Stage,
  board: Board,
  history: () => readonly Operation[],
  say: (line: string) => void,
): Promise<{ recovery: Recovery; seen: Seen; violations: Violation[] }> {
  const violations: Violation[] = [];
  await healAll(stage, board);
  const healedAt = Date.now();
  await stage.ready();
  say(`all processes are ready ${((Date.now() - healedAt) / 1000).toFixed(1)} s after the last mending`);
  await resumeConnections(stage);
  const left = (): number => Math.max(1_000, RECOVERY_MAX_MS - (Date.now() - healedAt));
  const emptied = await took(left(), async () => (await queued(stage)) === 0);
  const emptyQueue_ms = emptied === null ? null : Date.now() - healedAt;
  // changes that made no event are found by a sweep alone; so it is asked for before both sides must be equal
  const lost = (board.struck()['drop-events'] ?? 0) > 0;
  let sweepFound = lost ? await sweep(stage) : 0;
  let retried = 0;
  const equal = await took(left(), async () => {
    const seen = await see(stage, history());
    if (retried === 0) retried = await retryParked(stage, seen);
    return isEqual(seen);
  });
  const equal_ms = equal === null ? null : Date.now() - healedAt;
  if (equal_ms === null)
    violations.push({ invariant: 'I14', detail: `not recovered within ${RECOVERY_MAX_MS / 1000} s` });
  say(
    `both sides equal: ${equal_ms === null ? 'NOT' : `${(equal_ms / 1000).toFixed(1)} s`}; then silence, redelivery and a sweep`,
  );
  let redelivered = 0;
  if (equal_ms !== null) {
    violations.push(...(await silence(stage, 'silence', () => Promise.resolve())));
    const seen = await see(stage, history());
    violations.push(
      ...(await silence(stage, 'redelivery', async () => (redelivered = await redeliver(stage, seen)))),
    );
    violations.push(...(await silence(stage, 'sweep', async () => (sweepFound += await sweep(stage)))));
  }
  return {
    recovery: { equal_ms, emptyQueue_ms, sweepFound, retried, redelivered },
    seen: await see(stage, history()),
    violations,
  };
}
