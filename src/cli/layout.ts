/** How the commands' answers look on a terminal. */

/** Values come from other systems: what could steer a terminal is shown as a dot. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '·');
}

/** Columns padded to their widest cell; those whose title begins with `>` stand to the right. */
export function table(titles: readonly string[], rows: ReadonlyArray<readonly string[]>): string[] {
  const right = titles.map((title) => title.startsWith('>'));
  const lines = [titles.map((title) => title.replace(/^>/, '')), ...rows].map((row) => row.map(printable));
  const widths = titles.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, i) => (right[i] === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** e.g. `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** How long ago an RFC 3339 time was. */
export function ago(time: string | null, nowMs: number): string {
  return time === null ? '-' : duration(Math.max(0, (nowMs - Date.parse(time)) / 1000));
}

/** An RFC 3339 time to the second, e.g. `2026-01-01 12:00:00`. */
export function utc(time: string): string {
  return time.slice(0, 'yyyy-mm-ddThh:mm:ss'.length).replace('T', ' ');
}
