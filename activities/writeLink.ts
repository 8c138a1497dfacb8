import type { Link, LinkPatch } from '../src/store/links';
import type { Statements } from '../src/store/store';
import type { ActivityDeps } from './deps';

/** A link whose row this transaction holds. */
export interface HeldLink {
  readonly deps: ActivityDeps;
  readonly tx: Statements;
  readonly link: Link;
  /** Of the reading a decision is made on. */
  readonly requestId?: string | null;
}

/** What a step writes; a decision without its reading's request id, which is added here. */
export type StepPatch = Omit<LinkPatch, 'decision'> & { readonly decision?: { readonly what: string } };

export const IN_SYNC: LinkPatch = { outcome: 'in_sync', reason: null, refused: null, synced: true, waits: 0 };
export const DELETED: LinkPatch = {
  outcome: 'deleted',
  reason: null,
  synced: true,
  waits: 0,
  detached: false,
};

/** A link that ends takes its open questions with it: there is nothing to choose between any more. */
export async function writeLink(held: HeldLink, { decision, ...patch }: StepPatch): Promise<void> {
  const { tx, link, requestId = null } = held;
  const told = decision === undefined ? {} : { decision: { ...decision, requestId } };
  const written = await tx.links.writeFenced(link.id, link.fence, { ...patch, ...told });
  if (!written) throw new Error(`The fence of link ${link.id} moved while its row was locked`);
  if (patch.state === 'retired' || patch.state === 'void') await tx.conflicts.closeQuestions(link.id, []);
}

/** Other systems must hear of what was pulled here. */
export async function tellOtherLinks({ deps, tx, link }: HeldLink): Promise<void> {
  if (deps.connectors.size > 1) await tx.queue.enqueue(link.catalog, [link.recordId], 'pull');
}
