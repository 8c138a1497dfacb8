import type { Limits } from '../connectors/passage';
import type { ConnectionName } from '../core/ids';
import type { Store } from '../store/store';
import { ALL, USED_SHARE } from './limiter';

/** What is told of a connection's limit, requests a second. */
export interface LimitInForce {
  readonly perSecond: number;
  readonly perEndpoint: number | null;
  /** Lower than `perSecond` for a while after the system said that requests come too fast. */
  readonly now: number;
}

/** @returns null where there is no limit */
export async function limitInForce(
  { paces }: Pick<Store, 'paces'>,
  connection: ConnectionName,
  { perSecond, perEndpoint }: Limits,
): Promise<LimitInForce | null> {
  if (perSecond === null) return null;
  const used = perSecond * USED_SHARE;
  const rate = await paces.rateInForce(connection, { name: ALL, perSecond: used });
  return { perSecond, perEndpoint, now: Math.round((rate / USED_SHARE) * 10) / 10 };
}
