/** What an update changed, in the form of an event's `data.previous_attributes`. */

type Json = Record<string, unknown>;

/**
 * Only changed attributes, with their old values. Inside a hash only the changed keys; a key that was not
 * there before is null. Source: https://docs.stripe.com/api/events/object
 * @returns undefined when nothing changed
 */
export function previousAttributes(before: object, after: object): Json | undefined {
  const old = new Map<string, unknown>(Object.entries(before));
  const now = new Map<string, unknown>(Object.entries(after));
  const changed: Json = {};
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const was = old.get(name) ?? null;
    const is = now.get(name) ?? null;
    if (isHash(was) && isHash(is)) {
      const inner = previousAttributes(was, is);
      if (inner !== undefined) changed[name] = inner;
    } else if (JSON.stringify(was) !== JSON.stringify(is)) {
      changed[name] = was;
    }
  }
  return Object.keys(changed).length === 0 ? undefined : changed;
}

function isHash(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
