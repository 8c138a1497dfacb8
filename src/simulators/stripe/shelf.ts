/**
 * Objects in order of creation, listed newest first with Stripe's cursors
 * (https://docs.stripe.com/api/pagination). A removed object stays usable as a cursor: its place is remembered.
 */

import { badRequest, noSuch } from './errors';
import type { Params } from './form';
import { readInteger, readString } from './params';

type Slot<T> = { place: number; value: T };
type Cursor = { direction: 'older' | 'newer'; place: number } | null;

export type Page<T> = { object: 'list'; data: T[]; has_more: boolean; url: string };
export type PageRequest = { limit: number; startingAfter?: string; endingBefore?: string };

export const PAGE_PARAMS = ['limit', 'starting_after', 'ending_before', 'expand'] as const;
const DEFAULT_PAGE_SIZE = 10;
const MAX_PAGE_SIZE = 100;
const MAX_ID_CHARS = 255;
/** Removed ids remembered as cursors; older ones are forgotten. */
const MAX_REMOVED = 100_000;

export function readPage(params: Params): PageRequest {
  const limit = readInteger(params, 'limit') ?? DEFAULT_PAGE_SIZE;
  if (limit < 1 || limit > MAX_PAGE_SIZE) {
    throw badRequest(`Invalid limit: ${limit}; must be between 1 and ${MAX_PAGE_SIZE}`, 'limit');
  }
  const startingAfter = readString(params, 'starting_after', MAX_ID_CHARS);
  const endingBefore = readString(params, 'ending_before', MAX_ID_CHARS);
  if (startingAfter !== undefined && endingBefore !== undefined) {
    throw badRequest('You cannot parameterize both starting_after and ending_before.', 'starting_after');
  }
  return {
    limit,
    ...(startingAfter === undefined ? {} : { startingAfter }),
    ...(endingBefore === undefined ? {} : { endingBefore }),
  };
}

export class Shelf<T extends { id: string }> {
  private readonly slots = new Map<string, Slot<T>>();
  private readonly removed = new Map<string, number>();
  private order: Slot<T>[] = [];
  private nextPlace = 1;

  constructor(
    private readonly noun: string,
    private readonly url: string,
  ) {}

  get size(): number {
    return this.order.length;
  }

  get(id: string): T | undefined {
    return this.slots.get(id)?.value;
  }

  wasRemoved(id: string): boolean {
    return this.removed.has(id);
  }

  removedIds(): Iterable<string> {
    return this.removed.keys();
  }

  /** A place taken now for an object that will be added later (an event that surfaces late). */
  takePlace(): number {
    return this.nextPlace++;
  }

  add(value: T, place = this.takePlace()): void {
    const slot = { place, value };
    this.slots.set(value.id, slot);
    const last = this.order.at(-1);
    if (last === undefined || last.place < place) this.order.push(slot);
    else this.order.splice(this.firstAtOrAfter(place), 0, slot);
  }

  replace(value: T): void {
    const slot = this.slots.get(value.id);
    if (slot) slot.value = value;
    else this.add(value);
  }

  remove(id: string): T | undefined {
    const slot = this.slots.get(id);
    if (!slot) return undefined;
    this.slots.delete(id);
    this.order.splice(this.firstAtOrAfter(slot.place), 1);
    this.rememberRemoved(id, slot.place);
    return slot.value;
  }

  rememberRemoved(id: string, place = this.takePlace()): void {
    this.removed.set(id, place);
    if (this.removed.size > MAX_REMOVED) {
      for (const oldest of this.removed.keys()) {
        this.removed.delete(oldest);
        break;
      }
    }
  }

  /** Forgets the oldest object, without a trace. */
  dropOldest(): void {
    const oldest = this.order.shift();
    if (oldest) this.slots.delete(oldest.value.id);
  }

  oldest(): T | undefined {
    return this.order[0]?.value;
  }

  newest(): T | undefined {
    return this.order.at(-1)?.value;
  }

  *oldestFirst(): Generator<T> {
    for (const slot of this.order) yield slot.value;
  }

  clear(): void {
    this.slots.clear();
    this.removed.clear();
    this.order = [];
  }

  /** @throws StripeError 400 resource_missing when a cursor names no object */
  page(request: PageRequest, matches: (value: T) => boolean): Page<T> {
    const cursor = this.cursorOf(request);
    const found: T[] = [];
    const step = cursor?.direction === 'newer' ? 1 : -1;
    let index = this.startIndex(cursor);
    let slot = this.order[index];
    while (slot !== undefined && found.length <= request.limit) {
      if (matches(slot.value)) found.push(slot.value);
      index += step;
      slot = this.order[index];
    }
    const hasMore = found.length > request.limit;
    if (hasMore) found.pop();
    if (step === 1) found.reverse();
    return { object: 'list', data: found, has_more: hasMore, url: this.url };
  }

  private cursorOf(request: PageRequest): Cursor {
    const { startingAfter, endingBefore } = request;
    if (startingAfter !== undefined) {
      return { direction: 'older', place: this.placeOf(startingAfter, 'starting_after') };
    }
    if (endingBefore !== undefined) {
      return { direction: 'newer', place: this.placeOf(endingBefore, 'ending_before') };
    }
    return null;
  }

  private placeOf(id: string, param: string): number {
    const place = this.slots.get(id)?.place ?? this.removed.get(id);
    if (place === undefined) throw noSuch(this.noun, id, param, 400);
    return place;
  }

  private startIndex(cursor: Cursor): number {
    if (cursor === null) return this.order.length - 1;
    if (cursor.direction === 'older') return this.firstAtOrAfter(cursor.place) - 1;
    return this.firstAtOrAfter(cursor.place + 1);
  }

  private firstAtOrAfter(place: number): number {
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.order[middle]?.place ?? Infinity) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
