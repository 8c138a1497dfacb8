import { heldReason } from '../src/core/deleteGuard';
import type { Deletion } from '../src/store/deleteGuard';
import { stepResult } from './stepResult';
import type { StepResult } from './stepResult';
import { writeLink } from './writeLink';
import type { HeldLink } from './writeLink';

/**
 * Asks the guard over bursts of deletions, as the last thing before a deletion is written down or carried out here.
 * @returns null when it may pass, `kept` when a person said that the record stays, else the result that ends the step
 */
export async function guardDeletion(
  held: HeldLink,
  { direction, version, doubtful = false }: Pick<Deletion, 'direction' | 'version' | 'doubtful'>,
  what: string,
): Promise<StepResult | 'kept' | null> {
  const { deps, tx, link } = held;
  const { id: linkId, connection } = link;
  const admission = await tx.deletes.admitDeletion(
    { linkId, connection, direction, version, doubtful },
    deps.deleteGuard,
  );
  if (admission.kind === 'pass') return null;
  if (admission.kind === 'kept') return 'kept';
  if (admission.tripped) {
    deps.log.error(
      { connection, direction },
      'unusually many deletions: further ones are held until they are allowed',
    );
  }
  const reason = heldReason(direction);
  await writeLink(held, { outcome: 'parked', reason, decision: { what: `${what}: held` } });
  return stepResult('parked', `${what}: held`, { reason });
}
