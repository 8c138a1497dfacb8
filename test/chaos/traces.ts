/** What a run leaves behind beside the data: Temporal's runs (I13) and everything that was written down in passing (I16). */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { CANARY } from './operations';
import type { Stage } from './stage';
import type { Runs } from './temporalRuns';
import type { Violation } from './violation';

/** docs/ARCHITECTURE.md: a history goes on as new at 500 events. */
const HISTORY_MAX_EVENTS = 1_000;
/** A run completed in the moment of a signal; a run was terminated by hand while a worker had its task. */
const HARMLESS_CAUSES: ReadonlySet<string> = new Set(['UNHANDLED_COMMAND', 'FORCE_CLOSE_COMMAND']);

export interface RunsSeen {
  readonly runs: number;
  readonly longest: number;
  readonly failed: number;
  readonly failedTasks: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

export async function judgeRuns(runs: Runs): Promise<RunsSeen> {
  const violations: Violation[] = [];
  const failedTasks: Record<string, number> = {};
  const all = await runs.all();
  for (const run of all) {
    const where = `${run.workflowId} ${run.runId} (${run.type}, ${run.status}, ${run.events} events)`;
    if (run.events >= HISTORY_MAX_EVENTS)
      violations.push({ invariant: 'I13', detail: `${where}: too long a history` });
    const troubles = await runs.troublesOf(run);
    for (const cause of troubles.failedTasks) {
      failedTasks[cause] = (failedTasks[cause] ?? 0) + 1;
      if (!HARMLESS_CAUSES.has(cause))
        violations.push({ invariant: 'I13', detail: `${where}: a workflow task failed: ${cause}` });
    }
    if (troubles.failure !== null)
      violations.push({ invariant: 'I13', detail: `${where}: failed: ${troubles.failure}` });
    if (run.status === 'TIMED_OUT') violations.push({ invariant: 'I13', detail: `${where}: timed out` });
  }
  const open = all.filter(({ status, type }) => status === 'RUNNING' && type === 'customer');
  for (const run of open) violations.push({ invariant: 'I13', detail: `${run.workflowId} is still open` });
  return {
    runs: all.length,
    longest: Math.max(0, ...all.map(({ events }) => events)),
    failed: all.filter(({ status }) => status === 'FAILED').length,
    failedTasks,
    violations,
  };
}

/** The simulator keeps customers, and so does our own history; nobody else may. Postgres's data is their place, its log is not. */
export function judgeSecrecy(stage: Stage): Violation[] {
  const logs = readdirSync(stage.logs).filter((file) => !/^(simulator|history)\b/.test(file));
  const files = logs.map((file) => path.join(stage.logs, file));
  const folder = path.dirname(stage.temporal.databaseFile);
  files.push(...readdirSync(folder).map((file) => path.join(folder, file)));
  return files.flatMap((file) => {
    const text = readFileSync(file, 'latin1');
    const at = text.toLowerCase().indexOf(CANARY);
    if (at < 0) return [];
    const around = text.slice(Math.max(0, at - 120), at + 80).replace(/[^\x20-\x7e]+/g, ' ');
    return [{ invariant: 'I16', detail: `a value stands in ${file}: ${around}` }];
  });
}

export async function judgeMetrics(stage: Stage): Promise<Violation[]> {
  const found: Violation[] = [];
  for (const url of [...stage.apis, ...stage.workers]) {
    const text = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(10_000) })).text();
    if (text.toLowerCase().includes(CANARY))
      found.push({ invariant: 'I16', detail: `a value stands in ${url}/metrics` });
  }
  return found;
}
