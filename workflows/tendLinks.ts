import { CancellationScope, condition } from '@temporalio/workflow';
import type { OpenLink, StepResult, Unfinished } from '../activities';

export type LinkEnd =
  | {
      readonly kind: 'ended';
      readonly link: OpenLink;
      readonly result: Pick<StepResult, 'next' | 'direction'>;
    }
  | { readonly kind: 'unfinished'; readonly unfinished: Unfinished };

export interface Tended {
  readonly ends: readonly LinkEnd[];
  /** Whether some link was left before its attempts were used up, because the others have something new to go on to. */
  readonly left: boolean;
}

/**
 * How long a link may hold up the others once they have something new to go on to. Far above what a healthy system takes
 * for its part (about 0.1 s), far below what a dead one takes to use up its attempts (6 to 75 s).
 */
const GRACE_MS = 500;

function pulled(end: LinkEnd): boolean {
  return end.kind === 'ended' && end.result.direction === 'in';
}

/** What a look is told while it lasts. */
export interface News {
  /** Whether the doorbell was rung. */
  readonly rung: () => boolean;
  /** Whether that was about something new: an unanswered row rings again and again. Takes the ring as heard. */
  readonly isNew: () => Promise<boolean>;
}

/**
 * Tends all links of a look at the same time. What is new meanwhile, a hint or a value that one of them brought here, is for
 * the next look; a link whose system does not answer is then left, so that the others get it in the normal time. An attempt
 * that is left and still under way writes nothing any more: the next look takes the fence.
 * @param tend one link's part; it ends, unfinished, when its scope is cancelled
 */
export async function tendLinks(
  links: readonly OpenLink[],
  tend: (link: OpenLink) => Promise<LinkEnd>,
  news: News,
): Promise<Tended> {
  const ends: LinkEnd[] = [];
  const scope = new CancellationScope();
  const allEnded = (): boolean => ends.length === links.length;
  const tending = scope.run(() =>
    Promise.all(links.map(async (link) => void ends.push(await tend(link)))).then(() => undefined),
  );
  let left = false;
  let seen = 0;
  const goesOn = (): boolean => ends.length > 0 && (news.rung() || ends.slice(seen).some(pulled));
  while (links.length > 1 && !left) {
    await condition(() => allEnded() || goesOn());
    if (allEnded() || (await condition(allEnded, GRACE_MS))) break;
    seen = ends.length;
    left = await news.isNew();
  }
  if (left && !allEnded()) scope.cancel();
  await tending;
  return { ends, left };
}
