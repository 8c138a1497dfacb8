import { z } from 'zod';
import { ago, printable } from './layout';

/** A value that lost, as the API lists it. */
export const lostValueAnswer = z.object({
  id: z.string(),
  connection: z.string(),
  field: z.string(),
  ours: z.unknown(),
  theirs: z.unknown(),
  winner: z.string(),
  cause: z.string(),
  created_at: z.string(),
  resolved_at: z.string().nullable(),
  resolution: z.string().nullable(),
});

export type LostValueAnswer = z.output<typeof lostValueAnswer>;

const SHOWN_MAX = 10;
const VALUE_MAX_CHARS = 80;

/** A value in quotes, cut where it is long. */
export function quoted(value: unknown): string {
  const text = printable(JSON.stringify(value ?? null));
  return text.length > VALUE_MAX_CHARS ? `${text.slice(0, VALUE_MAX_CHARS)}…` : text;
}

function story(lost: LostValueAnswer): string {
  const [ours, theirs] = [quoted(lost.ours), quoted(lost.theirs)];
  switch (lost.winner) {
    case 'local':
      return `ours ${ours} stayed, theirs ${theirs} lost`;
    case 'remote':
      return `theirs ${theirs} stayed, ours ${ours} lost`;
    case 'ask':
      return `ours ${ours}, theirs ${theirs}; nobody has decided`;
    default:
      return `ours ${ours}, theirs ${theirs}; an edit that lost to a deletion`;
  }
}

/** The sides a person may still take: what stands here now is nothing to take, except as the answer to a question. */
function sidesToTake(lost: LostValueAnswer, now: unknown): Array<'local' | 'remote'> {
  if (lost.winner === 'ask') return ['local', 'remote'];
  const sides = [
    { side: 'local' as const, value: lost.ours, lost: lost.winner !== 'local' },
    { side: 'remote' as const, value: lost.theirs, lost: lost.winner !== 'remote' },
  ];
  return sides.filter((one) => one.lost && one.value !== now).map((one) => one.side);
}

function takeLines(program: string, id: string, lost: LostValueAnswer, now: unknown): string[] {
  const sides = sidesToTake(lost, now);
  if (sides.length === 0) return ['    it stands here by now'];
  return sides.map((side) => {
    const value = quoted(side === 'local' ? lost.ours : lost.theirs);
    return `    to take ${value}: ${program} apply ${id} ${lost.id} --take ${side}`;
  });
}

/**
 * What was lost and not taken yet, each with the command that takes it.
 * @param fields the customer's present values by field
 */
export function lostLines(
  lost: readonly LostValueAnswer[],
  where: { program: string; id: string; fields: Readonly<Record<string, unknown>>; nowMs: number },
): string[] {
  const open = lost.filter(({ resolved_at: resolved }) => resolved === null);
  const { program, id, fields, nowMs } = where;
  const told = (one: LostValueAnswer): string[] => [
    printable(
      `  ${one.field} at ${one.connection}, ${ago(one.created_at, nowMs)} ago (${one.cause}): ${story(one)}`,
    ),
    ...takeLines(program, id, one, fields[one.field] ?? null),
  ];
  const section = (headline: string, some: readonly LostValueAnswer[]): string[] => {
    if (some.length === 0) return [];
    const more = some.length > SHOWN_MAX ? [`  … and ${some.length - SHOWN_MAX} older ones (--json)`] : [];
    return ['', headline, ...some.slice(0, SHOWN_MAX).flatMap(told), ...more];
  };
  return [
    ...section(
      'Nobody has decided yet; to answer:',
      open.filter(({ winner }) => winner === 'ask'),
    ),
    ...section(
      'Values that lost, and how to take them after all:',
      open.filter(({ winner }) => winner !== 'ask'),
    ),
  ];
}

/** For a deleted customer: nothing is to be done, and nothing can be before it is back. */
export function keptLines(lost: readonly LostValueAnswer[]): string[] {
  const open = lost.filter(({ resolved_at: resolved }) => resolved === null).length;
  if (open === 0) return [];
  return [`${open === 1 ? 'A value' : `${open} values`} that lost can be taken once it is back.`];
}
