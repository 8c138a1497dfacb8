/**
 * Every fault there is: what it does, to whom, for how long. `--faults` takes these names. A fault begins, lasts, and is mended
 * by the same hand; what must not overlap shares a target.
 */
import type { Chance } from '../simulation/engine/ports';
import type { Ordered } from './board';
import { between } from './chance';
import { aDayPasses } from './dayOff';
import type { FaultKind, Injection } from './fault';
import {
  APIS,
  ending,
  holding,
  killing,
  killWorker,
  killWorkers,
  LONG_HOLD_MS,
  restartSimulator,
  revokeKey,
  SHORT_HOLD_MS,
  terminateRuns,
  WORKERS,
} from './processFaults';
import type { Trouble } from './proxy';
import { LINK_KINDS } from './links';
import { PRODUCT_KEY } from './stage';

const CUSTOMERS = '/v1/customers*';

function networkTrouble(
  story: string,
  lasts_ms: readonly [number, number],
  trouble: (drawn: Readonly<Record<string, number>>) => Trouble,
  draw?: FaultKind['draw'],
): FaultKind {
  return {
    story: `${story} Links: ${LINK_KINDS.join(', ')}.`,
    targets: LINK_KINDS,
    lasts_ms,
    draw: (chance) => ({ both: chance.int(3), ...draw?.(chance) }),
    async begin({ stage }, target, drawn) {
      // one of the two processes that have such a link, or both
      const links = stage.links.filter(({ kind }) => kind === target);
      const struck = links.filter((_, i) => drawn['both'] === 2 || i === drawn['both'] || links.length === 1);
      for (const { proxy } of struck) proxy.begin(trouble(drawn));
      return async () => struck.forEach(({ proxy }) => proxy.heal());
    },
  };
}

/** Calls of the product at the simulator, each struck with some probability. */
function atStripe(
  story: string,
  rate: number,
  fault: Ordered,
  lasts_ms: readonly [number, number] = [4_000, 12_000],
) {
  return {
    story: `${story} (simulator: ${fault.name}, ${rate * 100} % of what it may strike)`,
    targets: [`simulator ${fault.name}`],
    lasts_ms,
    draw: (chance: Chance) => ({ seed: chance.int(2 ** 31 - 1) }),
    begin: ({ board }: Injection, _target: string, { seed }: Readonly<Record<string, number>>) =>
      board.order([{ rate, seed, ...fault }]),
  } satisfies FaultKind;
}

const calls = { api_key: PRODUCT_KEY, path: CUSTOMERS };
const writes = { ...calls, method: 'POST' };

export const FAULTS = {
  'kill-api': killing(APIS),
  'kill-worker': killWorker,
  'kill-workers': killWorkers,
  'kill-temporal': killing(['temporal']),
  'kill-postgres': killing(['postgres']),
  'end-api': ending(APIS),
  'end-worker': ending(WORKERS),
  'end-temporal': ending(['temporal']),
  'end-postgres': ending(['postgres']),
  'restart-simulator': {
    story: 'the simulator is ended in order and started again with its state; calls under way get no answer',
    targets: ['simulator'],
    lasts_ms: [300, 4_000],
    begin: restartSimulator,
  },
  'hold-api': holding(APIS, SHORT_HOLD_MS),
  'hold-worker': holding(WORKERS, SHORT_HOLD_MS),
  'hold-worker-long': holding(WORKERS, LONG_HOLD_MS),
  'hold-temporal': holding(['temporal'], SHORT_HOLD_MS),
  'hold-temporal-long': holding(['temporal'], LONG_HOLD_MS),
  'hold-simulator': holding(['simulator'], SHORT_HOLD_MS),
  'hold-simulator-long': holding(['simulator'], LONG_HOLD_MS),
  cut: networkTrouble('What stands is ended, what is new is refused.', [1_000, 8_000], () => ({
    kind: 'cut',
  })),
  reset: networkTrouble(
    'All connections are reset again and again.',
    [1_000, 6_000],
    (drawn) => ({ kind: 'reset', every_ms: drawn['every_ms'] ?? 0 }),
    (chance) => ({ every_ms: between(chance, 150, 1_500) }),
  ),
  blackhole: networkTrouble(
    'Nothing passes; what was sent arrives when it has healed.',
    [2_000, 18_000],
    () => ({
      kind: 'blackhole',
    }),
  ),
  delay: networkTrouble(
    'Everything arrives late.',
    [3_000, 12_000],
    (drawn) => ({ kind: 'delay', ms: drawn['ms'] ?? 0 }),
    (chance) => ({ ms: between(chance, 50, 1_200) }),
  ),
  'half-open': networkTrouble(
    'What stands has lost the other side, and nobody says so, for ever; what is new passes.',
    [1_000, 3_000],
    () => ({ kind: 'half-open' }),
  ),
  'slow-drip': networkTrouble(
    'A few bytes at a time.',
    [3_000, 10_000],
    (drawn) => ({
      kind: 'slow-drip',
      bytes: drawn['bytes'] ?? 1,
      every_ms: 5,
    }),
    (chance) => ({ bytes: between(chance, 40, 400) }),
  ),
  'lose-answers': networkTrouble(
    'Requests arrive, their answers do not; then the connection is reset.',
    [2_000, 8_000],
    (drawn) => ({ kind: 'answer-lost', after_ms: drawn['after_ms'] ?? 0 }),
    (chance) => ({ after_ms: between(chance, 20, 800) }),
  ),
  'stripe-answer-lost': atStripe('committed, and the answer is lost', 0.4, {
    name: 'answer-lost',
    ...writes,
  }),
  'stripe-stored-500': atStripe('a 500 that is stored and replayed', 0.25, { name: 'error-500', ...writes }),
  'stripe-committed-500': atStripe('committed, yet a 500 is stored and replayed', 0.25, {
    name: 'error-500-committed',
    ...writes,
  }),
  'stripe-504-late-commit': atStripe('a 504 of a proxy, committed later', 0.3, {
    name: 'gateway-timeout',
    ...writes,
    commit_after_ms: 1_200,
  }),
  'stripe-409': atStripe('409, the key is in use', 0.4, { name: 'conflict-409', ...writes }),
  'stripe-429': atStripe('429 of the limiter', 0.5, { name: 'rate-limited', ...calls }),
  'stripe-lock-timeout': atStripe('429 lock_timeout', 0.4, { name: 'lock-timeout', ...writes }),
  'stripe-503': atStripe('503', 0.7, { name: 'refuse-503', ...calls }),
  'stripe-hang': atStripe('no answer ever comes', 0.3, { name: 'hang', ...calls }, [3_000, 8_000]),
  'stripe-slow-drip': atStripe('committed, and the answer comes byte by byte', 0.3, {
    name: 'slow-drip',
    ...writes,
    delay_ms: 100,
    chunk_bytes: 3,
  }),
  'stripe-list-lag': atStripe('a new customer is in no list for a while', 0.5, {
    name: 'list-lag',
    method: 'POST',
    delay_ms: 3_000,
  }),
  'events-undelivered': atStripe('the event is listed, nobody is told', 0.5, { name: 'drop-deliveries' }),
  // of people's changes only: that a change of ours made no event at all is more than A4 grants
  'events-lost': atStripe('a change made there makes no event at all', 0.4, {
    name: 'drop-events',
    api_key: 'sk_test_people',
  }),
  'events-twice': atStripe('the event is delivered twice', 0.7, { name: 'double-events' }),
  'events-late': atStripe('the event surfaces late', 0.5, { name: 'delay-events', delay_ms: 2_500 }),
  'events-reordered': atStripe('the event changes places with the next', 0.5, { name: 'reorder-events' }),
  'events-tied': atStripe('the event bears the second of the one before', 0.7, { name: 'tie-events' }),
  'a-day-off': {
    story: 'both workers are killed, a day passes, every idempotency key is forgotten, both start again',
    targets: ['workers'],
    lasts_ms: [500, 1_500],
    begin: ({ stage, board }) => aDayPasses(stage, board),
  },
  'revoked-key': {
    story: 'the key is revoked; later it is valid again and an operator resumes',
    targets: ['key'],
    lasts_ms: [2_000, 5_000],
    begin: revokeKey,
  },
  'terminate-runs': {
    story: 'every open run is terminated by hand',
    targets: ['runs'],
    lasts_ms: [100, 200],
    begin: terminateRuns,
  },
} as const satisfies Readonly<Record<string, FaultKind>>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

export function faultKind(name: FaultName): FaultKind {
  return FAULTS[name];
}

/** What is struck by more than one name: the workers as a whole are busy while one of them is. */
export function resourcesOf(target: string): readonly string[] {
  return target === 'workers' ? [...WORKERS, 'simulator', 'worker-simulator'] : [target];
}
