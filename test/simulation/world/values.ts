/** What people write: few enough values to meet again, each with the canary in it. */
import type { Fields, FieldValue } from '../../../src/core/fields';
import type { Chance } from '../engine/ports';
import { weighted } from './chance';
import { REFUSED } from './plan';
import type { Who } from './plan';

export type FieldName = 'name' | 'email';

/** Longer than what a system that shortens names keeps. */
const LONG = ' the third of her name';

export interface Values {
  /** A value nobody wrote before. */
  fresh(field: FieldName): FieldValue;
  /** One of this customer's few values, so that it comes back: A, B, A. */
  again(who: Who, field: FieldName): FieldValue;
  /** Whatever comes: fresh, again, emptied, written otherwise, refused, too long. */
  any(who: Who, field: FieldName): FieldValue;
  /** One field, or both. */
  edit(who: Who): Fields;
}

function otherwise(chance: Chance, value: string): string {
  return chance.pick([` ${value}`, `${value} `, value.toUpperCase()]);
}

export function createValues(chance: Chance, refuses: boolean): Values {
  let made = 0;
  const fresh = (field: FieldName): string => {
    made += 1;
    return field === 'name' ? `Canary ${made}` : `canary.${made}@example.com`;
  };
  const again = (who: Who, field: FieldName): string => {
    const letter = chance.pick(['a', 'b']);
    return field === 'name'
      ? `Canary ${letter.toUpperCase()} of ${who}`
      : `canary.${letter}${who}@example.com`;
  };
  const any = (who: Who, field: FieldName): FieldValue =>
    weighted<() => FieldValue>(chance, [
      [10, () => fresh(field)],
      [5, () => again(who, field)],
      [2, () => null],
      [1, () => ''],
      [2, () => otherwise(chance, again(who, field))],
      [1, () => (field === 'name' ? fresh(field) + LONG : fresh(field))],
      [refuses ? 2 : 0, () => fresh(field) + REFUSED],
    ])();
  return {
    fresh,
    again,
    any,
    edit(who) {
      const name = { name: any(who, 'name') };
      const email = { email: any(who, 'email') };
      return weighted<Fields>(chance, [
        [5, name],
        [3, email],
        [2, { ...name, ...email }],
      ]);
    },
  };
}
