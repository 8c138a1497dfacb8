/** Personal values as somebody may see them who only has to recognise them. */
import { CUSTOMER } from '../../catalogs/customer/customer';
import type { TimelineEntry } from '../../store/timeline';

function firstOf(text: string): string {
  return Array.from(text)[0] ?? '';
}

/** What may be shown of an address: its top-level domain. Anything else behind a dot is masked with the rest. */
const ENDING = /^\.[a-z0-9-]{2,24}$/iu;

/** `ann@example.com` becomes `a***@e***.com`, `Ann Lee` becomes `A***`. Tells nothing of the length. */
function maskText(text: string): string {
  const at = text.lastIndexOf('@');
  if (at < 0) return text === '' ? '' : `${firstOf(text)}***`;
  const domain = text.slice(at + 1).trim();
  const dot = domain.lastIndexOf('.');
  const ending = dot < 0 || /\s/u.test(text) ? '' : domain.slice(dot);
  return `${firstOf(text.slice(0, at))}***@${firstOf(domain)}***${ENDING.test(ending) ? ending : ''}`;
}

/** Masks every text in a value; a base's pair holds two. */
function maskValue(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, maskValue(part)]));
}

/** What a value became; one that looks as before, being masked, says that it is another. */
function maskAfter(before: unknown, after: unknown): unknown {
  const shown = maskValue(after);
  if (typeof after === 'string') {
    return typeof before === 'string' && before !== after && maskText(before) === shown
      ? `${maskText(after)} (another)`
      : shown;
  }
  if (typeof after !== 'object' || after === null || typeof before !== 'object' || before === null)
    return shown;
  const earlier = before as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(after).map(([key, part]) => [key, maskAfter(earlier[key], part)]));
}

function isPersonal(name: string): boolean {
  return CUSTOMER.fields[name.replace(/^base\./, '')]?.personal ?? false;
}

export function masked(entry: TimelineEntry): TimelineEntry {
  const changes = Object.entries(entry.changes).map(([name, [before, after]]) => {
    const pair = isPersonal(name) ? [maskValue(before), maskAfter(before, after)] : [before, after];
    return [name, pair];
  });
  return { ...entry, changes: Object.fromEntries(changes) };
}
