import type { ActivityDeps } from '../deps';

/** Asks for a sweep of every connection that has none open. @returns for how many */
export async function requestSweeps(deps: ActivityDeps): Promise<number> {
  let opened = 0;
  for (const connection of deps.connectors.keys()) {
    if ((await deps.store.sweeps.request(connection, 'schedule')).opened) opened += 1;
  }
  return opened;
}
