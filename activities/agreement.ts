import type { Link } from '../src/store/links';

/** Whether anything was ever agreed on this link. */
export function hasBase({ base }: Pick<Link, 'base'>): boolean {
  return Object.keys(base).length > 0;
}

/** Born there and not agreed on yet: nothing has been decided about it so far. */
export function neverAgreed(link: Pick<Link, 'base' | 'born'>): boolean {
  return link.born === 'remote' && !hasBase(link);
}
