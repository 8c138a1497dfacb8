/**
 * `npm run chaos -- --ambiguous 2000`: creates whose answers are lost after they took effect. Most are settled under their key.
 * In each wave a hundred and more are cut off by the death of both workers while Stripe has made the customer and not yet answered;
 * then a day passes: keys are forgotten, and meanwhile people have edited or deleted some of the customers.
 */
import { createBoard } from './board';
import type { Board } from './board';
import { between, seededChance } from './chance';
import { aDayPasses } from './dayOff';
import type { Customer } from './dashboard';
import { healAll } from './recovery';
import { CANARY } from './operations';
import { judgeSides } from './oracle';
import { look } from './seen';
import type { Seen } from './seen';
import { PRODUCT_KEY, startStage } from './stage';
import type { Stage } from './stage';
import { judgeSecrecy } from './traces';
import type { Violation } from './violation';
import { within } from './waiting';

/** A statement that queues more makes a bulk, which waits behind everything. */
const ROWS_PER_STATEMENT = 100;
/** As many as both workers call with at once. */
const CUT_OFF_PER_WAVE = 120;
const CUT_OFF_SHARE = 0.5;
const WAVES_MIN = 3;
/** More in one wave would not settle in the time it has. */
const WAVE_CREATES_MAX = 700;
/** Five losses in a row open the breaker, and then little is sent: more than this makes fewer ambiguous creates, not more. */
const LOST_RATE = 0.35;
const WITHOUT_EMAIL = 0.25;
const EDITED = 0.2;
const DELETED = 0.1;
/** An answer that comes this slowly is not there when the worker dies, nor within the product's 8 s. */
const DRIP_MS = 2_000;
/** Before the first of them runs into those 8 s. */
const CUT_OFF_AFTER_MS = 7_000;
const SETTLED_MAX_MS = 240_000;
const CREATES = { method: 'POST', path: '/v1/customers', api_key: PRODUCT_KEY } as const;

interface Ambiguity {
  readonly stage: Stage;
  readonly board: Board;
  readonly say: (line: string) => void;
  readonly mark: string;
}

async function insert({ stage }: Ambiguity, from: number, count: number, seed: number): Promise<void> {
  const chance = seededChance(seed, `creates ${from}`);
  for (let done = 0; done < count; done += ROWS_PER_STATEMENT) {
    const numbers = Array.from(
      { length: Math.min(ROWS_PER_STATEMENT, count - done) },
      (_, i) => from + done + i,
    );
    const emails = numbers.map((number) =>
      chance.happens(WITHOUT_EMAIL) ? null : `${CANARY}.a${number}@example.com`,
    );
    await stage.pool.query(
      'insert into counterpart.customers (name, email) select * from unnest($1::text[], $2::text[])',
      [numbers.map((number) => `${CANARY} a${number}`), emails],
    );
  }
}

async function queued(stage: Stage): Promise<number> {
  const { rows } = await stage.pool.query<{ n: string }>('select count(*) as n from counterpart.work_queue');
  return Number(rows[0]?.n ?? 0);
}

/** Nothing is due any more but what waits; bounded, for a wave that does not settle is a finding. */
async function settled({ stage }: Ambiguity, left: number): Promise<number> {
  return within(
    `at most ${left} records wait`,
    SETTLED_MAX_MS,
    async () => (await queued(stage)) <= left,
    250,
  );
}

/** What people do there while nobody of ours looks. */
async function meddle({ stage }: Ambiguity, made: readonly Customer[], seed: number): Promise<string> {
  const chance = seededChance(seed, 'people');
  let edited = 0;
  let deleted = 0;
  for (const { id } of made) {
    if (chance.happens(EDITED)) {
      const email = chance.happens(0.3) ? '' : `${CANARY}.p${between(chance, 0, 1e9)}@example.com`;
      await stage.dashboard.call('POST', `/v1/customers/${id}`, { email });
      edited += 1;
    } else if (chance.happens(DELETED / (1 - EDITED))) {
      await stage.dashboard.call('DELETE', `/v1/customers/${id}`);
      deleted += 1;
    }
  }
  return `${edited} edited and ${deleted} deleted there`;
}

/** Creates that Stripe has carried out and of which both workers die before they hear it; then a day passes. */
async function cutOff(ambiguity: Ambiguity, from: number, count: number, seed: number): Promise<number> {
  const { stage, board, say } = ambiguity;
  const before = new Set((await stage.dashboard.customers()).map(({ id }) => id));
  const back = await board.order([
    { name: 'slow-drip', ...CREATES, times: null, delay_ms: DRIP_MS, chunk_bytes: 1 },
  ]);
  await insert(ambiguity, from, count, seed);
  const wanted = before.size + count;
  const countThere = async (): Promise<number> => (await stage.dashboard.customers()).length;
  await within('the first one is made', SETTLED_MAX_MS, async () => (await countThere()) > before.size, 50);
  // what is not there by then is cut off before it was sent: it is a plain create of the next day
  await within('they are made', CUT_OFF_AFTER_MS, async () => (await countThere()) >= wanted).catch(
    () => undefined,
  );
  const workers = [stage.parts['worker-a'], stage.parts['worker-b']];
  await Promise.all(workers.map((worker) => worker.kill()));
  await back();
  const made = (await stage.dashboard.customers()).filter(({ id }) => !before.has(id));
  const told = await meddle(ambiguity, made, seed + from);
  const open = await stage.pool.query(
    `select from counterpart.intents where kind = 'create' and ended_at is null and sends > 0`,
  );
  const start = await aDayPasses(stage, board);
  await start();
  say(
    `  ${made.length} creates cut off after they took effect (${open.rowCount} intents open); ${told}; a day passed`,
  );
  return open.rowCount ?? 0;
}

/** Creates whose answers are lost, again and again, while their keys are remembered. */
async function lose(ambiguity: Ambiguity, from: number, count: number, seed: number): Promise<void> {
  const { board, say } = ambiguity;
  const back = await board.order([
    { name: 'answer-lost', ...CREATES, rate: LOST_RATE, seed: (seed + from) % 2 ** 31 },
  ]);
  await insert(ambiguity, from, count, seed);
  const ms = await settled(ambiguity, 0);
  await back();
  say(
    `  ${count} creates with ${LOST_RATE * 100} % of the answers lost: settled in ${(ms / 1000).toFixed(0)} s`,
  );
}

function duplicates(seen: Seen, mark: string): { doubled: number; missing: number; details: Violation[] } {
  const made = new Map<string, string[]>();
  for (const { type, data } of seen.events) {
    const record = type === 'customer.created' ? data.object.metadata[mark] : undefined;
    if (record !== undefined) made.set(record, [...(made.get(record) ?? []), data.object.id]);
  }
  const twice = [...made].filter(([, ids]) => ids.length > 1);
  const records = [...seen.customers, ...seen.tombstones].map(({ id }) => id);
  const none = records.filter((id) => !made.has(id));
  const details = [
    ...twice.map(([record, ids]) => ({
      invariant: 'I2',
      detail: `record ${record} was created ${ids.length} times: ${ids.join(', ')}`,
    })),
    ...none.map((record) => ({ invariant: 'I1', detail: `record ${record} was never created there` })),
  ];
  return { doubled: twice.length, missing: none.length, details };
}

/** @returns what is wrong; empty when all is well */
export async function runAmbiguous(
  stage: Stage,
  { seed, creates }: { readonly seed: number; readonly creates: number },
  interrupted: AbortSignal,
  say: (line: string) => void,
): Promise<Violation[]> {
  const board = createBoard(stage.dashboard);
  await startStage(stage);
  const { rows } = await stage.pool.query<{ id: string }>('select id from counterpart.installation');
  const ambiguity: Ambiguity = { stage, board, say, mark: `counterpart_${rows[0]?.id ?? ''}` };
  const began = Date.now();
  const waves = Math.max(WAVES_MIN, Math.ceil(creates / WAVE_CREATES_MAX));
  let next = 0;
  let open = 0;
  for (let wave = 0; wave < waves; wave += 1) {
    interrupted.throwIfAborted();
    const upTo = Math.round((creates * (wave + 1)) / waves);
    const cut = Math.min(CUT_OFF_PER_WAVE, Math.ceil((upTo - next) * CUT_OFF_SHARE));
    await stage.ready();
    await settled(ambiguity, 0);
    open += await cutOff(ambiguity, next, cut, seed);
    next += cut;
    interrupted.throwIfAborted();
    if (upTo > next) await lose(ambiguity, next, upTo - next, seed);
    next = upTo;
  }
  await healAll(stage, board);
  await settled(ambiguity, 0);
  await stage.requests.read();
  const seen = await look(stage.pool, stage.dashboard, [], stage.requests.all());
  const { doubled, missing, details } = duplicates(seen, ambiguity.mark);
  const violations = [...details, ...judgeSides(seen)];
  const late = await stage.stop();
  violations.push(
    ...late.map((name) => ({ invariant: 'I14', detail: `${name} did not end when it was asked to` })),
  );
  violations.push(...judgeSecrecy(stage));
  say(
    `creates    ${creates}, of them ${open} cut off and a day old; answers lost ${board.struck()['answer-lost'] ?? 0}; keys forgotten ${board.struck()['expire-keys'] ?? 0} times`,
  );
  say(`duplicates ${doubled}, never created ${missing}; ${((Date.now() - began) / 1000).toFixed(0)} s`);
  say(
    `records    ${seen.customers.length} live, ${seen.tombstones.length} deleted, ${seen.remotes.length} there`,
  );
  return violations;
}
