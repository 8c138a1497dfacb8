/** How soon the webhook receiver answers, and what an echo costs. */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { signatureHeader } from '../src/simulators/stripe/webhook-post';
import { runCount } from './histories';
import { paced } from './pace';
import { quantiles } from './quantiles';
import type { Quantiles } from './quantiles';
import type { Rig } from './rig';
import { exchange } from './stripeSide';
import type { StripeEvent } from './stripeSide';
import { untilQuiet } from './throughput';

export const WEBHOOKS_PER_S = 200;
const KEY_PREFIX = 'cp_';
/** Visibility is written after the run itself. */
const SETTLE_MS = 1_500;

export interface Acknowledged {
  readonly all: Quantiles;
  readonly echoes: Quantiles;
  readonly hints: Quantiles;
}

export interface EchoCost {
  readonly echoes: number;
  /** Rows stored as echoes, hints queued and workflow runs started by them. */
  readonly stored: number;
  readonly hints: number;
  readonly runs: number;
  /** How soon they were answered, nothing else going on. */
  readonly acknowledged: Quantiles;
}

function isOurs(event: StripeEvent): boolean {
  return event.request?.idempotency_key?.startsWith(KEY_PREFIX) === true;
}

/** Events the simulator has really sent, by what they are to us: our own changes heard again, or somebody else's. */
export async function collectEvents(
  rig: Rig,
  each: number,
): Promise<{ echoes: StripeEvent[]; hints: StripeEvent[] }> {
  const events = await rig.stripe.updates(Number.POSITIVE_INFINITY);
  const echoes = events.filter(isOurs).slice(0, each);
  const hints = events.filter((event) => !isOurs(event)).slice(0, each);
  if (echoes.length < each || hints.length < each) {
    throw new Error(`Too few events to replay: ${echoes.length} echoes, ${hints.length} hints`);
  }
  return { echoes, hints };
}

/** Sends the event under a new id, signed. @returns milliseconds from sending to the whole answer */
async function deliver(rig: Rig, agent: http.Agent, event: StripeEvent): Promise<number> {
  const body = JSON.stringify({ ...event, id: `evt_bench_${randomBytes(9).toString('hex')}` });
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'stripe-signature': signatureHeader(body, rig.webhookSecret, Math.floor(Date.now() / 1000)),
  };
  const beganMs = performance.now();
  const url = `${rig.wiring.apiUrl}/webhooks/stripe`;
  const { status, text } = await exchange(agent, url, 'POST', headers, body);
  if (status !== 200) throw new Error(`A webhook was answered with ${status}: ${text}`);
  return performance.now() - beganMs;
}

/** Echoes and hints in turns. The hints make looks, which run on the same machine at the same time. */
export async function acknowledgement(
  rig: Rig,
  events: { echoes: readonly StripeEvent[]; hints: readonly StripeEvent[] },
): Promise<Acknowledged> {
  const agent = new http.Agent({ keepAlive: true });
  const took: { echoes: number[]; hints: number[] } = { echoes: [], hints: [] };
  const count = events.echoes.length + events.hints.length;
  await paced(count, 1000 / WEBHOOKS_PER_S, async (i) => {
    const kind = i % 2 === 0 ? 'echoes' : 'hints';
    const event = events[kind][Math.floor(i / 2)];
    if (event !== undefined) took[kind].push(await deliver(rig, agent, event));
  });
  agent.destroy();
  return {
    all: quantiles([...took.echoes, ...took.hints]),
    echoes: quantiles(took.echoes),
    hints: quantiles(took.hints),
  };
}

/** Echoes alone, on a quiet system: whatever Temporal does meanwhile, they made it do. */
export async function echoCost(rig: Rig, echoes: readonly StripeEvent[]): Promise<EchoCost> {
  await untilQuiet(rig);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const before = {
    runs: await runCount(rig),
    hints: await rig.local.hintsSoFar(),
    stored: await rig.local.eventsWith('echo'),
  };
  const took: number[] = [];
  const agent = new http.Agent({ keepAlive: true });
  await paced(echoes.length, 1000 / WEBHOOKS_PER_S, async (i) => {
    const event = echoes[i];
    if (event !== undefined) took.push(await deliver(rig, agent, event));
  });
  agent.destroy();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return {
    echoes: echoes.length,
    stored: (await rig.local.eventsWith('echo')) - before.stored,
    hints: (await rig.local.hintsSoFar()) - before.hints,
    runs: (await runCount(rig)) - before.runs,
    acknowledged: quantiles(took),
  };
}
