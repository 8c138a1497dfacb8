/** The five fields of a cron line, with what each may hold (docs.temporal.io/schedule, "cron expressions"). */
const FIELDS = [
  { min: 0, max: 59, names: '' },
  { min: 0, max: 23, names: '' },
  { min: 1, max: 31, names: '' },
  { min: 1, max: 12, names: 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec' },
  { min: 0, max: 7, names: 'sun|mon|tue|wed|thu|fri|sat' },
] as const;

function isPoint(text: string, { min, max, names }: (typeof FIELDS)[number]): boolean {
  if (names !== '' && new RegExp(`^(${names})$`, 'i').test(text)) return true;
  return /^\d{1,2}$/.test(text) && Number(text) >= min && Number(text) <= max;
}

function isItem(text: string, field: (typeof FIELDS)[number]): boolean {
  const [range = '', step, ...more] = text.split('/');
  if (more.length > 0 || (step !== undefined && !/^[1-9]\d{0,2}$/.test(step))) return false;
  if (range === '*') return true;
  const ends = range.split('-');
  return ends.length <= 2 && ends.every((end) => isPoint(end, field));
}

/** Whether a text is a cron line of minute, hour, day of the month, month, day of the week. */
export function isCron(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== FIELDS.length) return false;
  return FIELDS.every((field, i) => (fields[i] ?? '').split(',').every((item) => isItem(item, field)));
}
