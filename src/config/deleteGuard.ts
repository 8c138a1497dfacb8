import { z } from 'zod';

/** How many deletions may pass at one connection before a person is asked. */
export interface DeleteGuardSetting {
  readonly count: number;
  /** Of the linked records, where that is more; 0: `count` alone. */
  readonly percent: number;
  readonly windowMs: number;
}

/** Whoever deletes faster than this means it, and says so with `off`. */
const COUNT_MAX = 1_000_000;
const PERCENT_MAX = 100;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
/** What passed is remembered for longer than this. */
const WINDOW_MAX_MS = 24 * UNIT_MS.h;

const DEFAULT: DeleteGuardSetting = { count: 50, percent: 5, windowMs: 10 * UNIT_MS.m };
const MEND =
  'must be a number of deletions and a window of 1s to 24h, such as 50/10m, with a share of the linked records where that is more: 50,5%/10m; or off. Default: 50,5%/10m';

function settingOf(text: string): DeleteGuardSetting | null {
  const [, count, percent = '0', length, unit] =
    /^(\d{1,7})(?:,(\d{1,3})%)?\/(\d{1,5})([smh])$/.exec(text.replaceAll(' ', '')) ?? [];
  const windowMs = Number(length) * UNIT_MS[unit as keyof typeof UNIT_MS];
  const setting = { count: Number(count), percent: Number(percent), windowMs };
  const fits = setting.count <= COUNT_MAX && setting.percent <= PERCENT_MAX;
  return fits && windowMs > 0 && windowMs <= WINDOW_MAX_MS ? setting : null;
}

/** `50/10m`, `50,5%/10m` or `off` (null). A count of 0 holds every deletion until it is allowed. */
export const deleteGuard = z
  .string()
  .transform((text, context): DeleteGuardSetting | null => {
    if (text === 'off') return null;
    const setting = settingOf(text);
    if (setting === null) context.addIssue({ code: 'custom', message: MEND });
    return setting;
  })
  .default(DEFAULT);
