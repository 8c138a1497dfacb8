import { Client } from 'pg';

export interface Wakeup {
  /** Resolves after `ms`, or at once when the queue is written to or `close` is called. */
  readonly wait: (ms: number) => Promise<void>;
  close(): Promise<void>;
}

/** Lets one sleeper sleep until its time is over or it is woken; a wake-up that finds nobody asleep is for the next. */
function createAlarm() {
  let pending = false;
  let wakeSleeper: (() => void) | null = null;
  return {
    wake: (): void => {
      pending = true;
      wakeSleeper?.();
    },
    sleep: (ms: number): Promise<void> => {
      if (pending) {
        pending = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          wakeSleeper = null;
          pending = false;
          resolve();
        };
        const timer = setTimeout(done, ms);
        wakeSleeper = done;
      });
    },
  };
}

/** Pause before a lost LISTEN connection is made anew; meanwhile the slow poll serves. */
const RECONNECT_MS = 2_000;
/**
 * A listener sends nothing, so it would never find out that the other side has vanished without a word. It asks now and then,
 * and takes no answer in this time for a loss.
 */
const PROBE = { everyMs: 15_000, maxMs: 5_000 };

/** A connection whose other side has vanished never says that it is closed. */
async function endWithin(client: Client, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([client.end(), waited]);
  clearTimeout(timer);
}

/**
 * Listens for the notification every queue write sends. Losing it costs latency, never a record: waiters have their own
 * time-out. Behind a transaction pooler LISTEN does not work, and the slow poll is all there is.
 */
export function listenForWork(
  databaseUrl: string,
  log: { warn(fields: object, message: string): void },
  probe = PROBE,
): Wakeup {
  const alarm = createAlarm();
  let closed = false;
  let asking = false;
  let client: Client | null = null;
  let listening: Client | null = null;
  let reconnect: NodeJS.Timeout | null = null;
  const probing = setInterval(() => void ask(), probe.everyMs);

  async function ask(): Promise<void> {
    const asked = listening;
    if (asked === null || asking) return;
    asking = true;
    try {
      await asked.query('select 1');
    } catch (error) {
      lost(asked, error);
    } finally {
      asking = false;
    }
  }

  async function connect(): Promise<void> {
    const next = new Client({
      connectionString: databaseUrl,
      application_name: 'counterpart listen',
      keepAlive: true,
      query_timeout: probe.maxMs,
      connectionTimeoutMillis: probe.maxMs,
    });
    client = next;
    next.on('error', (error) => lost(next, error));
    next.on('end', () => lost(next, null));
    next.on('notification', alarm.wake);
    try {
      await next.connect();
      await next.query('listen counterpart_work');
      listening = next;
      alarm.wake();
    } catch (error) {
      lost(next, error);
    }
  }

  function lost(which: Client, error: unknown): void {
    if (closed || client !== which) return;
    client = null;
    listening = null;
    log.warn({ err: error }, 'not listening for queue writes now; the slow poll serves meanwhile');
    which
      .end()
      .catch((ending: unknown) => log.warn({ err: ending }, 'a broken LISTEN connection did not close'));
    reconnect = setTimeout(() => void connect(), RECONNECT_MS);
  }

  void connect();
  return {
    wait: (ms) => (closed ? Promise.resolve() : alarm.sleep(ms)),
    async close() {
      closed = true;
      clearInterval(probing);
      if (reconnect !== null) clearTimeout(reconnect);
      alarm.wake();
      if (client !== null) await endWithin(client, probe.maxMs);
    },
  };
}
