import { call } from './client';
import { canonicalEmail } from '../../catalogs/customer/customer';
import { customerShape, isJson, pageShape, readItems } from './shapes';
import type { ObjectPage, RemoteObject } from '../connector';
import type { StripeClient } from './client';
import type { Answer } from '../../core/failure';
import type { InstallationId } from '../../core/ids';

/** Stripe's maximum for one page (docs.stripe.com/api/pagination). */
const PAGE_MAX = 100;
/** A place in the list: the last customer of a page and, in case it is deleted before the next, when it was made. */
const PLACE = /^(?<id>\S+)@(?<created>\d{1,12})$/;

type Anchor = { readonly starting_after?: string; readonly created?: { readonly lte: number } };

/**
 * One page of `GET /v1/customers`, newest first (docs.stripe.com/api/customers/list). Deleted customers are not in it.
 *
 * A page begins after the last customer of the one before. Where the server does not know that customer any more, the page
 * begins with everything made in the same second or earlier: some come twice, none is left out.
 * @throws when `after` is not a place this function gave
 */
export async function listCustomers(
  client: StripeClient,
  installation: InstallationId,
  { after, limit }: { after: string | null; limit: number },
): Promise<Answer<ObjectPage>> {
  const place = after === null ? null : PLACE.exec(after)?.groups;
  if (place === undefined) throw new Error('This is no place in a list of Stripe customers');
  const read = (anchor: Anchor): Promise<Answer<ObjectPage>> =>
    call(
      client,
      'customers.list',
      (sdk) => sdk.customers.list({ limit: Math.min(Math.max(limit, 1), PAGE_MAX), ...anchor }),
      (body) => pageOf(body, installation),
    );
  if (place === null) return read({});
  const answer = await read({ starting_after: String(place['id']) });
  const forgotten =
    answer.kind === 'failed' &&
    ['rejected', 'gone'].includes(answer.failure.kind) &&
    answer.failure.param === 'starting_after';
  return forgotten ? read({ created: { lte: Number(place['created']) } }) : answer;
}

/**
 * The customers with this e-mail. Stripe's filter is case-sensitive (docs.stripe.com/api/customers/list): it is asked for the
 * address as it stands here and, where that is another, for its canonical form.
 */
export async function findAlike(
  client: StripeClient,
  installation: InstallationId,
  email: string,
): Promise<Answer<readonly RemoteObject[]>> {
  const asWritten = email.trim();
  const canonical = String(canonicalEmail(email));
  const ask = (address: string): Promise<Answer<ObjectPage>> =>
    call(
      client,
      'customers.list',
      (sdk) => sdk.customers.list({ email: address, limit: PAGE_MAX }),
      (body) => pageOf(body, installation),
    );
  const first = await ask(asWritten);
  if (first.kind === 'failed') return first;
  if (canonical === asWritten) return { ...first, value: first.value.objects };
  const second = await ask(canonical);
  if (second.kind === 'failed') return second;
  return { ...second, value: [...first.value.objects, ...second.value.objects] };
}

/** @returns null when nothing on the page is a customer, or the next page could not be asked for */
function pageOf(body: unknown, installation: InstallationId): { value: ObjectPage } | null {
  const page = pageShape(body);
  const read = page && readItems(page.data, (item) => customerShape(item, installation));
  if (page === null || read === null) return null;
  const { items, unreadable } = read;
  const living = items.filter(({ deleted }) => !deleted).map(({ object }) => object);
  if (!page.hasMore) return { value: { objects: living, next: null, unreadable } };
  const next = placeOf(page.data, installation);
  return next === null ? null : { value: { objects: living, next, unreadable } };
}

/** After the last customer that can be named; what cannot be read after it comes again. */
function placeOf(data: readonly unknown[], installation: InstallationId): string | null {
  const last = data.findLast((item) => customerShape(item, installation) !== null);
  if (!isJson(last) || typeof last['id'] !== 'string' || typeof last['created'] !== 'number') return null;
  return `${last['id']}@${last['created']}`;
}
