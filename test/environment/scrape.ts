/** What a process tells Prometheus, read as Prometheus does. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SCRAPE_MS = 10_000;
const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
/** As Go's ParseFloat takes them, in any case: a gauge that has measured nothing yet says `Nan`. */
const NOT_FINITE: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['+inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
]);
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** @throws when a line is not a sample of the text format (prometheus.io/docs/instrumenting/exposition_formats) */
export function readSamples(text: string): Sample[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`This is no sample: ${line}`);
    const notFinite = NOT_FINITE.get(value.toLowerCase());
    if (notFinite === undefined && Number.isNaN(Number(value))) throw new Error(`This is no sample: ${line}`);
    const pairs = [...labels.matchAll(LABEL)].map((pair) => [pair[1], pair[2]]);
    return { name, labels: Object.fromEntries(pairs), value: notFinite ?? Number(value) };
  });
}

/** @param address of a process, without a path @throws when it does not answer with its metrics */
export async function scrape(address: string, patience_ms = SCRAPE_MS): Promise<Sample[]> {
  const answer = await fetch(`${address}/metrics`, { signal: AbortSignal.timeout(patience_ms) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${address}/metrics answered ${answer.status}`);
  return readSamples(text);
}

/** The samples of one metric, added up by the values of some of its labels; zeros are left out. */
export function sumBy(
  samples: readonly Sample[],
  name: string,
  ...labels: readonly string[]
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const sample of samples) {
    if (sample.name !== name || sample.value === 0) continue;
    const key = labels.map((label) => sample.labels[label] ?? '').join(' ');
    sums[key] = (sums[key] ?? 0) + sample.value;
  }
  return sums;
}
