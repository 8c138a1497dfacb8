/** The one shape of `GET /health/ready`, for every process that serves it. */

export interface Readiness {
  /** False only when this process cannot do its own job. */
  readonly ready: boolean;
  readonly status: 'ok' | 'degraded';
  /** Per part: `ok`, or what is wrong with it. Shown without a key, so it names no host and no secret. */
  readonly parts: Readonly<Record<string, string>>;
}

const RETRY_AFTER_S = 2;

export interface ReadinessAnswer {
  readonly status: 200 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly status: 'ok' | 'degraded' | 'unavailable';
    readonly parts: Readiness['parts'];
  };
}

export function answerReadiness({ ready, status, parts }: Readiness): ReadinessAnswer {
  return ready
    ? { status: 200, headers: {}, body: { status, parts } }
    : {
        status: 503,
        headers: { 'Retry-After': String(RETRY_AFTER_S) },
        body: { status: 'unavailable', parts },
      };
}
