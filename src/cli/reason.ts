import { z } from 'zod';
import { printable } from './layout';

/** A reason as the API words it. */
export const reasonAnswer = z.object({
  code: z.string(),
  message: z.string(),
  action: z.string(),
  field: z.string().nullable(),
  detail: z.string().nullable(),
  since: z.string().nullable(),
});

/** What is the matter, and what to do, as two lines. */
export function explain(reason: z.output<typeof reasonAnswer>): [matter: string, action: string] {
  const facts = [reason.field === null ? null : `field ${reason.field}`, reason.detail].filter(
    (fact) => fact !== null,
  );
  const about = facts.length === 0 ? '' : ` (${facts.join('; ')})`;
  const action = reason.action.startsWith('Nothing to do') ? reason.action : `To do: ${reason.action}`;
  return [printable(`${reason.code}: ${reason.message}${about}`), printable(action)];
}
