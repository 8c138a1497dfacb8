/** Takes looks at a record as the workflow does, step by step, and keeps what would cross into Temporal. */
import { ApplicationFailure } from '@temporalio/common';
import type { RecordId } from '../src/core/ids';
import type { Reason } from '../src/core/reason';
import type { Activities, OpenLink, StepResult, Unfinished } from './index';

/** As many steps as the workflow takes for one link, and more looks than any story here needs. */
const STEPS_MAX = 6;
const LOOKS_MAX = 8;

const CATALOG = 'customer';

export interface Looked {
  readonly kind: 'nothing' | 'done' | 'newer' | 'again';
  readonly steps: readonly StepResult[];
  /** Failures of steps that left their link unfinished. */
  readonly trouble: readonly ApplicationFailure[];
}

function stepNamed(next: StepResult['next']): 'examine' | 'send' | 'trace' {
  return next === 'send' || next === 'trace' ? next : 'examine';
}

async function inTurn<Result>(
  links: readonly OpenLink[],
  order: readonly string[],
  tend: (link: OpenLink) => Promise<Result>,
): Promise<Result[]> {
  const ends: Result[] = [];
  const place = ({ connection }: OpenLink): number => order.indexOf(connection);
  for (const link of links.toSorted((a, b) => place(a) - place(b))) ends.push(await tend(link));
  return ends;
}

export interface Looks {
  look(recordId: RecordId): Promise<Looked>;
  /** Looks until nothing asks for another; trouble leaves the row for later. */
  settle(recordId: RecordId): Promise<Looked>;
}

/**
 * @param crossed takes every result and failure, as Temporal would keep it
 * @param order connections in the order in which their links are tended, one after the other; without it all at once
 */
export function createLooks(
  activities: Activities,
  crossed: string[],
  order: readonly string[] | null = null,
): Looks {
  async function tend(link: OpenLink) {
    const steps: StepResult[] = [];
    let next: StepResult['next'] = 'examine';
    for (let taken = 0; taken < STEPS_MAX; taken += 1) {
      try {
        const result: StepResult = await activities[stepNamed(next)](link);
        crossed.push(JSON.stringify(result));
        steps.push(result);
        next = result.next;
        if (!['examine', 'send', 'trace'].includes(next)) break;
      } catch (error) {
        if (!(error instanceof ApplicationFailure)) throw error;
        crossed.push(`${error.message} ${JSON.stringify(error.details)} ${error.stack ?? ''}`);
        return { link, steps, trouble: error };
      }
    }
    return { link, steps, trouble: null };
  }

  function unfinished({ link, steps, trouble }: Awaited<ReturnType<typeof tend>>): Unfinished[] {
    const unavailable = { code: 'unavailable', field: null, detail: null } as const;
    if (trouble !== null) {
      const told = trouble.details?.[0] as Reason | undefined;
      return [{ ...link, outcome: 'waiting', reason: told ?? unavailable }];
    }
    const paused = steps.at(-1)?.next === 'paused';
    return paused ? [{ ...link, outcome: 'paused', reason: steps.at(-1)?.reason ?? unavailable }] : [];
  }

  async function look(recordId: RecordId): Promise<Looked> {
    const opened = await activities.openLook({ catalog: CATALOG, recordId });
    if (opened.kind === 'nothing') return { kind: 'nothing', steps: [], trouble: [] };
    const ends = await (order === null
      ? Promise.all(opened.links.map(tend))
      : inTurn(opened.links, order, tend));
    const steps = ends.flatMap((end) => end.steps);
    const trouble = ends.flatMap((end) => (end.trouble === null ? [] : [end.trouble]));
    const lasts = ends.map((end) => end.steps.at(-1)?.next);
    if (lasts.some((last) => last === 'again' || last === 'stale')) return { kind: 'again', steps, trouble };
    const kind = await activities.closeLook({
      catalog: CATALOG,
      recordId,
      seq: opened.seq,
      unfinished: ends.flatMap(unfinished),
      paused: opened.paused,
      ...(opened.down === undefined ? {} : { down: opened.down }),
      direction: null,
    });
    return { kind, steps, trouble };
  }

  async function settle(id: RecordId): Promise<Looked> {
    let looked = await look(id);
    const steps = [...looked.steps];
    for (let looks = 1; looked.kind === 'again' || looked.kind === 'newer'; looks += 1) {
      if (looks === LOOKS_MAX) throw new Error(`Still moving after ${LOOKS_MAX} looks`);
      looked = await look(id);
      steps.push(...looked.steps);
    }
    return { ...looked, steps };
  }

  return { look, settle };
}
