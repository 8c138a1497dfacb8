/** Which records there are, as clients know them: read now and then, so a little old, as what a person sees always is. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';

const READ_EVERY_MS = 400;

export interface Known {
  readonly recordId: string;
  readonly version: number;
  readonly live: boolean;
  readonly remoteId: string | null;
}

export interface Directory {
  start(): void;
  live(): readonly Known[];
  dead(): readonly Known[];
  stop(): void;
}

/** What is newest comes first: those are wanted most. */
const ALL = `
  select id as record_id, version, true as live, created_at,
    (select remote_id from counterpart.links l where l.record_id = c.id and l.state in ('linked', 'reserved', 'deleting')
     order by generation desc limit 1) as remote_id
  from counterpart.customers c
  union all
  select record_id, version, false, created_at, null from counterpart.tombstones
  order by created_at desc, record_id`;

export function createDirectory(pool: Pool): Directory {
  let known: Known[] = [];
  let running = false;

  async function read(): Promise<void> {
    const { rows } = await pool.query<{
      record_id: string;
      version: string;
      live: boolean;
      remote_id: string | null;
    }>({
      text: ALL,
    });
    known = rows.map((row) => ({
      recordId: row.record_id,
      version: Number(row.version),
      live: row.live,
      remoteId: row.remote_id,
    }));
  }

  return {
    start() {
      if (running) return;
      running = true;
      void (async () => {
        while (running) {
          // Postgres may be away: then clients go on with what they knew
          await read().catch(() => undefined);
          await sleep(READ_EVERY_MS, undefined, { ref: false });
        }
      })();
    },
    live: () => known.filter(({ live }) => live),
    dead: () => known.filter(({ live }) => !live),
    stop: () => void (running = false),
  };
}
