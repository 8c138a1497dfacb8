/**
 * Who is at the other end. A connection keeps the identity it showed first and refuses every other: simulator, sandbox
 * and live data never meet in one database, and a wrong key deletes nothing.
 * May touch: src/core, src/connectors (the port), src/store. Touched by: activities, src/inbound, src/bin.
 */
import type { Connector, Identity } from '../connectors/connector';
import type { RemoteFailure } from '../core/failure';
import type { Reason } from '../core/reason';
import type { Store } from '../store/store';

export type AccountCheck =
  | { readonly kind: 'right'; readonly identity: Identity }
  | { readonly kind: 'wrong'; readonly reason: Reason }
  | { readonly kind: 'failed'; readonly failure: RemoteFailure };

/** A server that never named an account is known by its mode and address. */
export function sameIdentity(kept: Identity, seen: Identity): boolean {
  if (kept.mode !== seen.mode) return false;
  if (kept.account !== null && seen.account !== null) return kept.account === seen.account;
  return kept.apiBase === seen.apiBase;
}

function called(identity: Identity): string {
  return `${identity.account ?? identity.apiBase} (${identity.mode})`;
}

/**
 * The account was named before, and now somebody at the same address says that there is no such thing as an account: rather a
 * proxy in between than the system. Whose the credentials are is not known, so no "not found" is believed meanwhile.
 */
function unnamed(kept: Identity, seen: Identity): boolean {
  return kept.account !== null && seen.account === null && sameIdentity(kept, seen);
}

const UNNAMED: RemoteFailure = {
  kind: 'unavailable',
  code: 'account_not_named',
  param: null,
  status: null,
  requestId: null,
  retryAfterMs: null,
  replayed: false,
  definite: false,
  unbegun: false,
};

/** Asks the system whose credentials these are, and compares with the first answer this connection ever gave. */
export async function checkIdentity(
  connections: Pick<Store['connections'], 'keepIdentity'>,
  connector: Connector,
): Promise<AccountCheck> {
  const answer = await connector.identify();
  if (answer.kind === 'failed') return { kind: 'failed', failure: answer.failure };
  const kept = await connections.keepIdentity(connector.connection, answer.value);
  if (unnamed(kept, answer.value)) return { kind: 'failed', failure: UNNAMED };
  if (sameIdentity(kept, answer.value)) return { kind: 'right', identity: kept };
  const detail = `set up with ${called(kept)}, the key belongs to ${called(answer.value)}`;
  return { kind: 'wrong', reason: { code: 'other_account', field: null, detail } };
}
