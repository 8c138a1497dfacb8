/** One run: start, faults and clients side by side, healing, the oracle, the report. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createBoard } from './board';
import { createClients } from './clients';
import { seededChance } from './chance';
import type { FaultName } from './faults';
import { createMeters } from './meters';
import type { MeteredProcess } from './meters';
import { judgeMeters } from './metersRules';
import { createNemesis, planFaults } from './nemesis';
import type { Nemesis } from './nemesis';
import { planOperations, startPopulation } from './operations';
import { judge } from './oracle';
import { recover } from './recovery';
import { eventsByResult } from './seen';
import { judgeTakeovers, report } from './report';
import { startStage } from './stage';
import { SIDES } from './links';
import type { Stage } from './stage';
import { createTakeovers } from './takeover';
import { judgeMetrics, judgeRuns, judgeSecrecy } from './traces';
import type { Violation } from './violation';

const POPULATION = 12;
const STOP_GRACE = 'every process ends when it is asked to';

/** Which side wins, by seed: all are to be met. */
export function settingsFor(seed: number): Record<string, string> {
  const policy = seededChance(seed, 'policy').pick(['local', 'remote', 'local,name=remote']);
  // deletions are many here and meant; the poll is the net below deliveries that fail, and no one waits five minutes for it
  return { CONFLICT_POLICY: policy, DELETE_GUARD: '1000/10m', STRIPE_POLL_MS: '2000' };
}

export interface RunPlan {
  readonly seed: number;
  readonly length_ms: number;
  readonly faults: readonly FaultName[];
}

function metered({ apis, workers, parts }: Stage): MeteredProcess[] {
  return SIDES.flatMap((side, i) => [
    { name: `api-${side}`, url: apis[i]!, pid: parts[`api-${side}`].pid },
    { name: `worker-${side}`, url: workers[i]!, pid: parts[`worker-${side}`].pid },
  ]);
}

/** For whoever looks into a failed run. */
function keep(stage: Stage, what: object): void {
  writeFileSync(path.join(stage.logs, 'history.json'), JSON.stringify(what, null, 1));
}

/** @returns what is wrong; empty when all is well */
export async function runChaos(
  stage: Stage,
  { seed, length_ms, faults }: RunPlan,
  interrupted: AbortSignal,
  say: (line: string) => void,
): Promise<Violation[]> {
  const violations: Violation[] = [];
  const board = createBoard(stage.dashboard);
  const takeovers = createTakeovers(stage.runs, () => nemesis.hindrances);
  const plan = planFaults(seed, length_ms, faults);
  const operations = planOperations(seed, length_ms);
  const nemesis: Nemesis = createNemesis(plan, {
    stage,
    board,
    takeovers,
    note: (line) => say(`  ${line}`),
    violation: (invariant, detail) => violations.push({ invariant, detail }),
  });
  const clients = createClients(stage);
  interrupted.addEventListener('abort', () => nemesis.stop(), { once: true });

  await startStage(stage);
  const meters = createMeters(metered(stage));
  meters.start();
  await clients.run(startPopulation(seed, POPULATION), interrupted);
  say(
    `${plan.length} faults and ${operations.length} operations are planned, ${POPULATION} customers stand on one side`,
  );
  const running = nemesis.run();
  await clients.run(operations, interrupted);
  nemesis.stop();
  await running;
  interrupted.throwIfAborted();
  keep(stage, { history: clients.history() });

  const { recovery, seen, violations: found } = await recover(stage, board, clients.history, say);
  clients.stop();
  violations.push(...found, ...judge(seen));
  const writes = stage.requests.writes().length;
  const accepted = clients
    .history()
    .filter(({ side, result }) => side === 'here' && result !== 'failed').length;
  if (writes > accepted) {
    violations.push({
      invariant: 'I7',
      detail: `${writes} writes to Stripe for ${accepted} changes made here`,
    });
  }
  const measured = await takeovers.finished();
  violations.push(...judgeTakeovers(measured));
  const runs = await judgeRuns(stage.runs);
  violations.push(...runs.violations, ...(await judgeMetrics(stage)));
  const told = await meters.last();
  await stage.requests.read();
  const known = {
    ...seen,
    requests: stage.requests.all(),
    eventsByResult: await eventsByResult(stage.pool),
    failedRuns: runs.failed,
  };
  violations.push(...judgeMeters(told, known));
  const lines = report({
    stage,
    history: clients.history(),
    nemesis,
    board,
    recovery,
    takeovers: measured,
    runs,
    seen,
    metered: told,
  });
  const late = await stage.stop();
  violations.push(
    ...late.map((name) => ({ invariant: 'I14', detail: `${name} did not end: ${STOP_GRACE}` })),
  );
  // read when they are written to the end
  violations.push(...judgeSecrecy(stage));
  keep(stage, { history: clients.history(), seen });
  for (const line of lines) say(line);
  return violations;
}
