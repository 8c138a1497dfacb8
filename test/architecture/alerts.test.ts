/**
 * deploy/alerts.yml is compared with the metrics there are and with the runbook; Prometheus's own `promtool` reads it too
 * where there is one (PROMTOOL, or on PATH), and its tests in deploy/alerts.test.yml run.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { Registry } from 'prom-client';
import { createGauges } from '../../src/observability/gauges';
import { createMetrics } from '../../src/observability/metrics';
import { read, ROOT } from './sources';

const ALERTS = 'deploy/alerts.yml';
const RUNBOOK = 'docs/RUNBOOK.md';

interface Alert {
  readonly name: string;
  readonly expr: string;
  readonly runbook: string;
}

/** Each line of a rule, in its order; anything else in the file fails, so that nothing goes unread. */
const RULE = [
  /^      - alert: (?<name>Counterpart[A-Za-z]+)$/,
  /^        expr: (?<expr>\S.*)$/,
  /^        for: \d+m$/,
  /^        labels:$/,
  /^          severity: (warning|critical)$/,
  /^        annotations:$/,
  /^          summary: \S.*$/,
  /^          runbook: (?<runbook>\S+)$/,
];
const HEAD = /^groups:\n  - name: counterpart\n    rules:\n/;

function readAlerts(): Alert[] {
  const text = read(ALERTS).replaceAll(/^#.*\n/gm, '');
  expect(text).toMatch(HEAD);
  const lines = text.replace(HEAD, '').trimEnd().split('\n');
  expect(lines.length % RULE.length).toBe(0);
  const found: Record<string, string>[] = [];
  lines.forEach((line, i) => {
    const shape = RULE[i % RULE.length]!;
    expect(line).toMatch(shape);
    if (i % RULE.length === 0) found.push({});
    Object.assign(found.at(-1)!, shape.exec(line)?.groups);
  });
  return found.map(({ name = '', expr = '', runbook = '' }) => ({ name, expr, runbook }));
}

/** Metric names as they are printed, with their labels, those of histograms as well. */
function metricsThereAre(): Map<string, readonly string[]> {
  const { registry } = createMetrics('test');
  createGauges(registry);
  return new Map(
    registry.getMetricsAsArray().map((metric) => [metric.name, labelsOf(registry, metric.name)]),
  );
}

function labelsOf(registry: Registry, name: string): readonly string[] {
  const metric: unknown = registry.getSingleMetric(name);
  const own = metric as { labelNames?: readonly string[] };
  return ['process', ...(own.labelNames ?? [])];
}

test('there is an alert for what is late, stands still, is parked, is paused, is down, waits, and is not heard', () => {
  expect(readAlerts().map(({ name }) => name)).toEqual([
    'CounterpartBehind',
    'CounterpartNotWorking',
    'CounterpartParked',
    'CounterpartPaused',
    'CounterpartDown',
    'CounterpartWaiting',
    'CounterpartNotHearing',
    'CounterpartWebhooksRefused',
  ]);
});

test('every metric and label that an alert names is there', () => {
  const there = metricsThereAre();
  for (const { name, expr } of readAlerts()) {
    const metrics = [...expr.matchAll(/\bcounterpart_[a-z_]+/g)].map(([metric]) => metric);
    expect([name, metrics.length > 0]).toEqual([name, true]);
    expect([name, metrics.filter((metric) => !there.has(metric))]).toEqual([name, []]);
    const labels = [
      ...[...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', ')),
      ...[...expr.matchAll(/\{([a-z_]+)=/g)].map(([, label = '']) => label),
    ];
    const known = new Set(metrics.flatMap((metric) => there.get(metric) ?? []));
    expect([name, labels.filter((label) => !known.has(label))]).toEqual([name, []]);
  }
});

test('every alert leads to a heading of the runbook, and every such heading is of an alert', () => {
  const headings = [...read(RUNBOOK).matchAll(/^#+ (Counterpart\w+)$/gm)].map(([, heading = '']) => heading);
  const alerts = readAlerts();
  expect(headings).toEqual(alerts.map(({ name }) => name));
  expect(alerts.map(({ runbook }) => runbook)).toEqual(
    headings.map((heading) => `${RUNBOOK}#${heading.toLowerCase()}`),
  );
});

test('promtool accepts the alerts and they fire as their tests say, wherever there is a promtool', () => {
  const promtool = process.env['PROMTOOL'] ?? 'promtool';
  const folder = path.join(ROOT, path.dirname(ALERTS));
  const run = (...args: string[]) => spawnSync(promtool, args, { cwd: folder, encoding: 'utf8' });
  const missing = run('--version').error !== undefined;
  // A word of its own, not a silent pass: the other tests of this file have run in any case.
  if (missing) process.stderr.write('promtool was not found: deploy/alerts.yml was NOT checked by it\n');
  const runs = missing ? [] : [run('check', 'rules', 'alerts.yml'), run('test', 'rules', 'alerts.test.yml')];
  expect(runs.map(({ status, stdout, stderr }) => [status, status === 0 ? '' : stdout + stderr])).toEqual(
    runs.map(() => [0, '']),
  );
});
