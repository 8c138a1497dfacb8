/** A token bucket: `perSecond` requests a second, and as many at once. */

export type Limiter = { allows: (nowMs: number) => boolean };

/** @param perSecond 0 for no limit */
export function makeLimiter(perSecond: number): Limiter {
  if (perSecond <= 0) return { allows: () => true };
  let tokens = perSecond;
  let filledAtMs = -Infinity;
  return {
    allows: (nowMs) => {
      const elapsedS = Math.max(0, nowMs - filledAtMs) / 1000;
      tokens = Math.min(perSecond, tokens + elapsedS * perSecond);
      filledAtMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
