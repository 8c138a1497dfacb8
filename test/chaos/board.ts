/** Faults ordered from the simulator. It forgets them when it is started again, so they are kept and ordered anew here. */
import { z } from 'zod';
import type { Dashboard } from './dashboard';
import { within } from './waiting';

export interface Ordered {
  readonly name: string;
  readonly [parameter: string]: unknown;
}

const added = z.object({ added: z.array(z.object({ id: z.string() })) });
const shown = z.object({
  data: z.array(z.object({ id: z.string(), name: z.string(), struck: z.number() })),
  used_up: z.array(z.object({ id: z.string(), name: z.string(), struck: z.number() })),
});
/** The simulator may be held or ended at that moment by another fault; that never lasts longer. */
const PATIENCE_MS = 40_000;

export interface Board {
  /** @returns what takes it back. Both wait for a simulator that is held or away, bounded. */
  order(faults: readonly Ordered[]): Promise<() => Promise<void>>;
  /** What happens at once and is over. */
  once(fault: Ordered): Promise<void>;
  /** Before the simulator ends: what struck so far is counted. */
  beforeRestart(): Promise<void>;
  afterRestart(): Promise<void>;
  clear(): Promise<void>;
  /** How many requests or changes each fault has struck. */
  struck(): Readonly<Record<string, number>>;
}

export function createBoard(dashboard: Dashboard): Board {
  const active = new Map<object, { readonly faults: readonly Ordered[]; ids: string[] }>();
  const struck: Record<string, number> = {};

  async function insist(what: string, attempt: () => Promise<void>): Promise<void> {
    let trouble: unknown = null;
    await within(what, PATIENCE_MS, async () => {
      try {
        await attempt();
        return true;
      } catch (error) {
        trouble = error;
        return false;
      }
    }).catch((error: unknown) => {
      throw new Error(String(error), { cause: trouble });
    });
  }

  async function post(entry: { readonly faults: readonly Ordered[]; ids: string[] }): Promise<void> {
    const answer = await dashboard.control('POST', '/_sim/faults', { faults: entry.faults });
    entry.ids = added.parse(answer).added.map(({ id }) => id);
  }

  async function count(ids: ReadonlySet<string> | null): Promise<void> {
    const { data, used_up: usedUp } = shown.parse(await dashboard.control('GET', '/_sim/faults'));
    for (const { id, name, struck: times } of [...data, ...usedUp]) {
      if (ids === null || ids.has(id)) struck[name] = (struck[name] ?? 0) + times;
    }
  }

  return {
    async order(faults) {
      const token = {};
      const entry = { faults, ids: [] as string[] };
      active.set(token, entry);
      await insist('the simulator takes a fault', () => post(entry));
      return async () => {
        if (!active.delete(token)) return;
        await insist('the simulator takes a fault back', async () => {
          const ids = new Set(entry.ids);
          const { data } = shown.parse(await dashboard.control('GET', '/_sim/faults'));
          await count(ids);
          for (const { id } of data) if (ids.has(id)) await dashboard.control('DELETE', `/_sim/faults/${id}`);
        });
      };
    },
    once: (fault) =>
      insist(`the simulator does ${fault.name}`, async () => {
        await dashboard.control('POST', '/_sim/faults', { faults: [fault] });
        struck[fault.name] = (struck[fault.name] ?? 0) + 1;
      }),
    async beforeRestart() {
      const ids = new Set([...active.values()].flatMap((entry) => entry.ids));
      await count(ids);
    },
    async afterRestart() {
      for (const entry of active.values())
        await insist('the simulator takes its faults again', () => post(entry));
    },
    async clear() {
      active.clear();
      await insist('the simulator forgets its faults', async () => {
        await dashboard.control('DELETE', '/_sim/faults');
      });
    },
    struck: () => struck,
  };
}
