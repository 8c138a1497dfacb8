/** Cuts a failing plan down to a short story: fewer acts, fewer customers, better weather, other schedules. */
import { CALM, PLAIN } from './plan';
import type { Citizen, Fault, Plan, Who } from './plan';

/** Runs of the failing plan at most: a shrink must end. */
const RUNS_MAX = 600;
/** A smaller plan may fail in another order of steps only: so many are tried. */
const SCHEDULES = 4;

/** Whether the plan still fails. A plan that fails in another way is another story: who gives this decides. */
export type Fails = (plan: Plan) => Promise<boolean>;

interface Search {
  plan: Plan;
  runs: number;
  readonly fails: Fails;
}

/** Takes a smaller plan if it fails as well, in this order of steps or in another. */
async function attempt(search: Search, smaller: Plan): Promise<boolean> {
  for (let other = 0; other < SCHEDULES; other += 1) {
    if (search.runs >= RUNS_MAX) return false;
    search.runs += 1;
    const plan = other === 0 ? smaller : { ...smaller, schedule: smaller.schedule + other };
    if (!(await search.fails(plan))) continue;
    search.plan = plan;
    return true;
  }
  return false;
}

/** Delta debugging (Zeller and Hildebrandt 2002): leaves out ever smaller parts of a list, as long as it still fails. */
async function without<T>(
  search: Search,
  listOf: (plan: Plan) => readonly T[],
  withList: (plan: Plan, list: readonly T[]) => Plan,
): Promise<void> {
  let size = Math.ceil(listOf(search.plan).length / 2);
  while (size >= 1) {
    let from = 0;
    let hasShrunk = false;
    while (from < listOf(search.plan).length) {
      const list = listOf(search.plan);
      const rest = [...list.slice(0, from), ...list.slice(from + size)];
      if (await attempt(search, withList(search.plan, rest))) hasShrunk = true;
      else from += size;
    }
    if (!hasShrunk || size > 1) size = size === 1 ? 0 : Math.floor(size / 2);
  }
}

function concerned(plan: Plan): Set<Who> {
  const who = new Set<Who>();
  for (const { deed } of plan.acts) {
    if (deed.kind === 'write here') for (const write of deed.writes) who.add(write.who);
    else if (deed.kind === 'copy mark') who.add(deed.from).add(deed.to);
    else if ('who' in deed) who.add(deed.who);
  }
  return who;
}

/** The weather, one fault after the other. */
async function calmer(search: Search): Promise<void> {
  await attempt(search, { ...search.plan, rates: CALM });
  for (const fault of Object.keys(search.plan.rates.calls) as Fault[]) {
    const { [fault]: _, ...calls } = search.plan.rates.calls;
    await attempt(search, { ...search.plan, rates: { ...search.plan.rates, calls } });
  }
  for (const what of ['dropped', 'doubled', 'late'] as const) {
    const { rates } = search.plan;
    if (rates.events[what] > 0)
      await attempt(search, {
        ...search.plan,
        rates: { ...rates, events: { ...rates.events, [what]: 0 } },
      });
  }
  for (const what of ['deaths', 'stalls'] as const) {
    const { rates } = search.plan;
    if (rates[what] > 0) await attempt(search, { ...search.plan, rates: { ...rates, [what]: 0 } });
  }
}

async function plainer(search: Search): Promise<void> {
  const { acts } = search.plan;
  const isUsed = (name: string): boolean =>
    acts.some(
      ({ deed, when }) =>
        ('connection' in deed && deed.connection === name) ||
        (when.kind === 'call' && when.connection === name),
    );
  for (const { name } of search.plan.connections) {
    const connections = search.plan.connections.filter((one) => one.name !== name);
    const isHome = search.plan.population.some(({ at }) => at === name);
    if (connections.length > 0 && !isUsed(name) && !isHome)
      await attempt(search, { ...search.plan, connections });
  }
  for (const trait of Object.keys(PLAIN) as Array<keyof typeof PLAIN>) {
    const connections = search.plan.connections.map((one) => ({ ...one, [trait]: PLAIN[trait] }));
    if (JSON.stringify(connections) !== JSON.stringify(search.plan.connections))
      await attempt(search, { ...search.plan, connections });
  }
  const { plan } = search;
  if (plan.workers.length > 1) await attempt(search, { ...plan, workers: plan.workers.slice(0, 1) });
  if (search.plan.onDelete !== 'propagate') await attempt(search, { ...search.plan, onDelete: 'propagate' });
  if (search.plan.onConflict !== 'local') await attempt(search, { ...search.plan, onConflict: 'local' });
  if (search.plan.deleteGuard !== null) await attempt(search, { ...search.plan, deleteGuard: null });
}

/** The order of the acts stays; their times become round. */
async function rounder(search: Search): Promise<void> {
  for (let place = 0; place < search.plan.acts.length; place += 1) {
    const act = search.plan.acts[place];
    if (act?.when.kind !== 'at' || act.when.ms === 0) continue;
    for (const ms of [0, Math.round(act.when.ms / 100) * 100]) {
      if (ms === act.when.ms) continue;
      const acts = search.plan.acts.with(place, { ...act, when: { kind: 'at', ms } });
      if (await attempt(search, { ...search.plan, acts })) break;
    }
  }
}

/** @returns the smallest plan that was found to fail, after a bounded number of runs */
export async function shrink(plan: Plan, fails: Fails): Promise<Plan> {
  const search: Search = { plan, runs: 0, fails };
  await without(
    search,
    ({ acts }) => acts,
    (one, acts) => ({ ...one, acts }),
  );
  const citizens = search.plan.population;
  const needed = concerned(search.plan);
  const fewer = citizens.filter(({ who }) => needed.has(who));
  if (fewer.length < citizens.length) await attempt(search, { ...search.plan, population: fewer });
  await without<Citizen>(
    search,
    ({ population }) => population,
    (one, population) => ({ ...one, population }),
  );
  await calmer(search);
  await plainer(search);
  await without(
    search,
    ({ acts }) => acts,
    (one, acts) => ({ ...one, acts }),
  );
  await rounder(search);
  return search.plan;
}
