import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 50;
const REQUEST_TIMEOUT_MS = 2_000;
/** How long one waits in silence before being told for what. */
const TELL_EVERY_MS = 15_000;
const DETAIL_MAX_CHARS = 300;

/** null when `url` answers 200; else what it says, or that it does not answer. */
async function ask(url: string): Promise<string | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    const body = await answer.text();
    return answer.status === 200 ? null : `answers ${answer.status} ${body.slice(0, DETAIL_MAX_CHARS)}`;
  } catch {
    return 'does not answer yet';
  }
}

/** Waits until `url` answers 200, for ever if need be, saying from time to time what is missing. */
export async function waitUntilReady(
  name: string,
  url: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let tellAt = Date.now() + TELL_EVERY_MS;
  for (;;) {
    signal.throwIfAborted();
    const missing = await ask(url);
    if (missing === null) return;
    if (Date.now() > tellAt) {
      say(`still waiting for ${name}: ${url} ${missing}`);
      tellAt = Date.now() + TELL_EVERY_MS;
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}
