/** The figures beside what was wanted of them, for a person; everything there is, as JSON, for a program. */
import os from 'node:os';
import { canMeasureProcesses } from './footprint';
import type { Measured, Phase, Sizes } from './phases';
import { CHANGES_PER_S } from './propagation';
import { WEBHOOKS_PER_S } from './acknowledgement';
import type { HistoryCost } from './histories';
import type { Quantiles } from './quantiles';
import { SIMULATOR_LATENCY_MS } from './rig';
import type { Drained } from './throughput';

const WANTED = {
  propagationP50Ms: 150,
  propagationP99Ms: 500,
  throughputOfFloor: 0.5,
  acknowledgementP99Ms: 50,
  actionsPerEcho: 0,
  /** "Next to no CPU", as a number: hundredths of one core over all parts. */
  idleCorePercent: 10,
} as const;

/** Of a change outward: the look's read and, up to the commit there, half of the write. Inward: the read. */
const SIMULATOR_SHARE_MS = { out: 1.5 * SIMULATOR_LATENCY_MS, in: SIMULATOR_LATENCY_MS } as const;
/** Above this share of the machine spent on strangers, the figures are theirs as well. */
const BUSY_SHARE = 0.05;
const BYTES_PER_MB = 1024 * 1024;
const LABEL_CHARS = 44;

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly ramGb: number;
  readonly platform: string;
  readonly node: string;
  readonly load1AtStart: number;
}

export function describeMachine(): Machine {
  return {
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    ramGb: Math.round((os.totalmem() / 1024 ** 3) * 10) / 10,
    platform: `${os.platform()} ${os.release()} ${os.arch()}`,
    node: process.version,
    load1AtStart: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
  };
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

function line(label: string, measured: string, wanted = '', met: boolean | null = null): string {
  const verdict = met === null ? '' : met ? '  ok' : '  MISSED';
  return `  ${label.padEnd(LABEL_CHARS)} ${measured}${wanted === '' ? '' : `   (wanted ${wanted})`}${verdict}`;
}

function spreadOf(q: Quantiles): string {
  return `p50 ${ms(q.p50)}  p95 ${ms(q.p95)}  p99 ${ms(q.p99)}  max ${ms(q.max)} ms  n ${q.n}`;
}

function propagationLines(measured: Measured): string[] {
  const ways = [
    ['out', 'outward: UPDATE sent -> seen at Stripe'],
    ['in', 'inward: committed at Stripe -> row committed'],
  ] as const;
  return ways.flatMap(([way, label]) => {
    const q = measured.propagation[way].result;
    const floor = measured.floor.propagation[way];
    const share = SIMULATOR_SHARE_MS[way];
    const rest = q.p50 - share;
    return [
      line(
        label,
        spreadOf(q),
        `p50 <= ${WANTED.propagationP50Ms}, p99 <= ${WANTED.propagationP99Ms}`,
        q.p50 <= WANTED.propagationP50Ms && q.p99 <= WANTED.propagationP99Ms,
      ),
      line(
        '  of the p50',
        `simulator ${share} ms, ours with Temporal ${ms(rest)} ms; the floor alone ${ms(floor.p50)} ms (n ${floor.n})`,
      ),
    ];
  });
}

function throughputLines(measured: Measured): string[] {
  const ways = [
    ['out', 'outward'],
    ['in', 'inward'],
  ] as const;
  return ways.map(([way, label]) => {
    const product: Drained = measured.throughput[way].result;
    const floor: Drained = measured.floor.throughput[way].result;
    const ratio = product.perSecond / floor.perSecond;
    return line(
      label,
      `${product.perSecond.toFixed(1)}/s   floor ${floor.perSecond.toFixed(1)}/s   ratio ${ratio.toFixed(2)}   n ${product.changes}`,
      `ratio >= ${WANTED.throughputOfFloor}`,
      ratio >= WANTED.throughputOfFloor,
    );
  });
}

function costOf(cost: HistoryCost): string {
  return (
    `${cost.actionsPerChange.toFixed(2)} actions, ${cost.eventsPerChange.toFixed(1)} events, ${cost.runsPerChange.toFixed(2)} runs ` +
    `(${cost.workflowTasksPerRun.toFixed(1)} workflow tasks, ${cost.activitiesPerRun.toFixed(1)} activities, ` +
    `${cost.localActivitiesPerRun.toFixed(1)} local)`
  );
}

function costLines({ histories, historiesUnderLoad, floor, echo }: Measured): string[] {
  const ways = [
    ['out', 'outward'],
    ['in', 'inward'],
  ] as const;
  return [
    ...ways.flatMap(([way, label]) => [
      line(`change ${label}, idle`, costOf(histories[way])),
      line(`change ${label}, under load`, costOf(historiesUnderLoad[way])),
      line(`floor, ${label}`, costOf(floor.histories[way])),
    ]),
    line(
      'echo',
      `${echo.runs} runs and ${echo.hints} hints from ${echo.echoes} echoes (${echo.stored} stored)`,
      `${WANTED.actionsPerEcho} actions`,
      echo.runs === WANTED.actionsPerEcho && echo.hints === 0,
    ),
  ];
}

/** Percent of one core. */
function corePercents({ cpuMs, seconds }: Phase<unknown>): [string, number][] {
  return Object.entries(cpuMs).map(([name, used]) => [name, used / 10 / seconds]);
}

/** Milliseconds of CPU for one change, by part. */
function perChange({ cpuMs, result }: Phase<Drained>): string {
  return Object.entries(cpuMs)
    .map(([name, used]) => `${name} ${(used / result.changes).toFixed(1)}`)
    .join('  ');
}

function processLines(measured: Measured): string[] {
  if (!canMeasureProcesses()) return [line('CPU and memory', 'not measured: read from /proc, on Linux only')];
  const idle = corePercents(measured.idle).filter(([name]) => name !== 'others' && name !== 'bench');
  const total = idle.reduce((sum, [, percent]) => sum + percent, 0);
  return [
    line(
      `idle CPU over ${measured.idle.seconds.toFixed(0)} s, percent of one core`,
      `${total.toFixed(1)}  = ${idle.map(([name, percent]) => `${name} ${percent.toFixed(1)}`).join('  ')}`,
      `next to none: <= ${WANTED.idleCorePercent}`,
      total <= WANTED.idleCorePercent,
    ),
    line('CPU ms per change, outward', perChange(measured.throughput.out)),
    line('CPU ms per change, inward', perChange(measured.throughput.in)),
    line('CPU ms per change, floor outward', perChange(measured.floor.throughput.out)),
    line('CPU ms per change, floor inward', perChange(measured.floor.throughput.in)),
    line(
      'peak memory, MB',
      Object.entries(measured.peakBytes)
        .map(([name, bytes]) => `${name} ${(bytes / BYTES_PER_MB).toFixed(0)}`)
        .join('  '),
    ),
  ];
}

/** Whoever else was at work on the machine belongs to the figures. */
function strangerLine(machine: Machine, measured: Measured): string | null {
  const { out, in: inward } = measured.throughput;
  const shares = [measured.idle, measured.propagation.out, measured.propagation.in, out, inward].map(
    ({ cpuMs, seconds }) => (cpuMs['others'] ?? 0) / 1000 / seconds / machine.cores,
  );
  const worst = Math.max(...shares);
  if (!(worst > BUSY_SHARE)) return null;
  const all = shares.map((share) => `${(share * 100).toFixed(0)} %`).join(', ');
  return `  NOISY: other processes took ${all} of the machine (idle, propagation out, in, throughput out, in)`;
}

export function renderReport(machine: Machine, sizes: Sizes, measured: Measured, quick: boolean): string {
  const noise = strangerLine(machine, measured);
  const ack = measured.acknowledgement.result;
  const copied = measured.firstCopy.result;
  return [
    '',
    `Counterpart bench${quick ? ' --quick: too few samples for figures to keep' : ''}`,
    `  ${machine.cores} x ${machine.cpu}, ${machine.ramGb} GB, ${machine.platform}, Node ${machine.node}, load at start ${machine.load1AtStart}`,
    `  everything on this machine: Postgres (fsync on), Temporal dev server, simulator (${SIMULATOR_LATENCY_MS} ms, no rate limit), api, worker, this bench`,
    ...(noise === null ? [] : [noise]),
    '',
    `Propagation, idle, ${CHANGES_PER_S} changes/s`,
    ...propagationLines(measured),
    '',
    `Throughput, ${sizes.customers} customers, ${sizes.changes} changes each way`,
    ...throughputLines(measured),
    line('first copy of customers born at Stripe', `${copied.perSecond.toFixed(1)}/s   n ${copied.changes}`),
    '',
    `Webhook acknowledgement, ${WEBHOOKS_PER_S}/s, half echoes, half hints that make looks meanwhile`,
    line(
      'all',
      spreadOf(ack.all),
      `p99 <= ${WANTED.acknowledgementP99Ms}`,
      ack.all.p99 <= WANTED.acknowledgementP99Ms,
    ),
    line('echoes', spreadOf(ack.echoes)),
    line('hints', spreadOf(ack.hints)),
    line('echoes alone, nothing else going on', spreadOf(measured.echo.acknowledged)),
    '',
    'Temporal, counted in the histories',
    ...costLines(measured),
    '',
    'Processes',
    ...processLines(measured),
    '',
  ].join('\n');
}

export function reportJson(machine: Machine, sizes: Sizes, measured: Measured, quick: boolean): string {
  const ratio = (way: 'out' | 'in'): number =>
    measured.throughput[way].result.perSecond / measured.floor.throughput[way].result.perSecond;
  const ofFloor = { out: ratio('out'), in: ratio('in') };
  const when = new Date().toISOString();
  return `${JSON.stringify({ when, quick, machine, sizes, wanted: WANTED, ofFloor, measured }, null, 2)}\n`;
}
