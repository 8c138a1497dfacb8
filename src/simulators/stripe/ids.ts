/** Ids in the vendor's form: a prefix and alphanumeric characters. Every id comes from one injected source. */

import { randomInt } from 'node:crypto';

/** A number in [0, 1), as Math.random gives. */
export type Random = () => number;

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const UPPERCASE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const RANDOM_STEPS = 2 ** 32;

export const strongRandom: Random = () => randomInt(RANDOM_STEPS) / RANDOM_STEPS;

export type Ids = {
  customer: () => string;
  event: () => string;
  request: () => string;
  endpoint: () => string;
  delivery: () => string;
  secret: () => string;
  invoicePrefix: () => string;
};

export function makeIds(random: Random): Ids {
  const pick = (alphabet: string, length: number): string => {
    let out = '';
    for (let i = 0; i < length; i += 1) out += alphabet[Math.floor(random() * alphabet.length)];
    return out;
  };
  return {
    customer: () => `cus_${pick(ALPHANUMERIC, 14)}`,
    event: () => `evt_1${pick(ALPHANUMERIC, 23)}`,
    request: () => `req_${pick(ALPHANUMERIC, 14)}`,
    endpoint: () => `we_1${pick(ALPHANUMERIC, 23)}`,
    delivery: () => `dlv_${pick(ALPHANUMERIC, 14)}`,
    secret: () => `whsec_${pick(ALPHANUMERIC, 32)}`,
    invoicePrefix: () => pick(UPPERCASE, 8),
  };
}
