/** What a run prints in the end. */
import type { Board } from './board';
import type { Operation } from './history';
import { countsBy } from '../environment/counts';
import { sumBy } from '../environment/scrape';
import type { Metered } from './meters';
import type { Nemesis } from './nemesis';
import { LEASE_MS, RECOVERY_MAX_MS, RECOVERY_WANTED_MS, REMOTE_ATTEMPTS_MS } from './recovery';
import type { Recovery } from './recovery';
import type { Seen } from './seen';
import { PART_NAMES } from './stage';
import type { Stage } from './stage';
import type { Takeover } from './takeover';
import type { RunsSeen } from './traces';
import type { Violation } from './violation';

/** Wanted of the work that a killed worker had under way. */
export const TAKEOVER_WANTED_MS = 15_000;
const SHOWN_VIOLATIONS = 12;

function seconds(ms: number | null): string {
  return ms === null ? 'never' : `${(ms / 1000).toFixed(1)} s`;
}

function inOneLine(counts: Readonly<Record<string, number | undefined>>): string {
  const shown = Object.entries(counts).map(([name, count]) => `${name} ${count ?? 0}`);
  return shown.length === 0 ? 'none' : shown.join(', ');
}

function operations(history: readonly Operation[]): string[] {
  const table = new Map<string, Record<string, number>>();
  for (const { via, kind, result } of history) {
    const row = table.get(`${kind} ${via}`) ?? {};
    row[result] = (row[result] ?? 0) + 1;
    table.set(`${kind} ${via}`, row);
  }
  const rows = [...table].toSorted(([a], [b]) => a.localeCompare(b));
  return rows.map(
    ([name, { ok = 0, failed = 0, unknown = 0 }]) =>
      `  ${name.padEnd(20)} ok ${ok}, failed ${failed}, unknown ${unknown}`,
  );
}

function takeovers(all: readonly Takeover[]): string {
  const free = all.flatMap(({ hindered, took_ms: took }) => (hindered || took === null ? [] : [took]));
  const hindered = all.flatMap(({ hindered: was, took_ms: took }) => (was && took !== null ? [took] : []));
  const longest = (list: readonly number[]): string =>
    list.length === 0 ? '' : `, longest ${seconds(Math.max(...list))}`;
  return `${free.length}${longest(free)} (wanted ${seconds(TAKEOVER_WANTED_MS)}); while another fault was in the way ${hindered.length}${longest(hindered)}; ${all.filter(({ took_ms: took }) => took === null).length} not seen within a minute`;
}

/** Judged only where no other fault was in the way. */
export function judgeTakeovers(all: readonly Takeover[]): Violation[] {
  return all
    .filter(({ hindered, took_ms: took }) => !hindered && took !== null && took > TAKEOVER_WANTED_MS)
    .map(({ run, activity, took_ms: took }) => ({
      invariant: 'I14',
      detail: `${activity} of ${run}: attempted again ${seconds(took)} after its worker was killed; wanted ${seconds(TAKEOVER_WANTED_MS)}`,
    }));
}

export interface Told {
  readonly stage: Stage;
  readonly history: readonly Operation[];
  readonly nemesis: Nemesis;
  readonly board: Board;
  readonly recovery: Recovery;
  readonly takeovers: readonly Takeover[];
  readonly runs: RunsSeen;
  readonly seen: Seen;
  readonly metered: Metered;
}

export function report(told: Told): string[] {
  const { stage, history, nemesis, board, recovery, runs, seen, metered } = told;
  const samples = metered.lifetimes.flatMap((lifetime) => lifetime.samples);
  const lost = stage.links.reduce((sum, { proxy }) => sum + proxy.lost(), 0);
  const unasked = PART_NAMES.flatMap((name) =>
    stage.parts[name].unasked.map(({ code, signal }) => `${name} (${signal ?? code})`),
  );
  const parked = seen.links.filter(
    ({ outcome, state }) => outcome === 'parked' && state !== 'void' && state !== 'retired',
  );
  const accepted = history.filter(({ side, result }) => side === 'here' && result !== 'failed').length;
  return [
    `operations ${history.length}: ${inOneLine(countsBy(history, ({ result }) => result))}`,
    ...operations(history),
    `faults     ${inOneLine(nemesis.begun())}`,
    `  skipped  ${nemesis.skipped().length}${nemesis.skipped().length === 0 ? '' : `: ${inOneLine(countsBy(nemesis.skipped(), (line) => line))}`}`,
    `  struck   at Stripe: ${inOneLine(board.struck())}; answers lost on links: ${lost}`,
    `  ended unasked: ${unasked.length === 0 ? 'none' : unasked.join(', ')}`,
    `recovery   queue empty after ${seconds(recovery.emptyQueue_ms)}, both sides equal after ${seconds(recovery.equal_ms)}`,
    `  bound    ${seconds(RECOVERY_MAX_MS)}: ${seconds(RECOVERY_WANTED_MS)} (I14), and before it the attempts of a remote activity (${seconds(REMOTE_ATTEMPTS_MS)}) and a lease (${seconds(LEASE_MS)})`,
    `  then     ${recovery.redelivered} events delivered again, a sweep found ${recovery.sweepFound}, ${recovery.retried} parked records retried`,
    `takeovers  of killed workers: ${takeovers(told.takeovers)}`,
    `records    ${seen.customers.length} live, ${seen.tombstones.length} deleted, ${seen.remotes.length} there, ${parked.length} parked (${inOneLine(countsBy(parked, ({ reason }) => reason?.code ?? '?'))}), ${seen.lost.length} lost values kept (${inOneLine(countsBy(seen.lost, ({ cause }) => cause))})`,
    `writes     ${stage.requests.writes().length} to Stripe for ${accepted} changes made here`,
    `metrics    of ${metered.lifetimes.length} lives: calls ${inOneLine(sumBy(samples, 'counterpart_remote_calls_total', 'outcome'))}; events ${inOneLine(sumBy(samples, 'counterpart_webhooks_total', 'result'))}`,
    `runs       ${runs.runs}, longest ${runs.longest} events, failed workflow tasks: ${inOneLine(runs.failedTasks)}`,
  ];
}

export function tellViolations(violations: readonly Violation[]): string[] {
  if (violations.length === 0) return ['violations 0'];
  const shown = violations
    .slice(0, SHOWN_VIOLATIONS)
    .map(({ invariant, detail }) => `  ${invariant} ${detail}`);
  const more = violations.length - shown.length;
  return [`violations ${violations.length}`, ...shown, ...(more > 0 ? [`  … and ${more} more`] : [])];
}
