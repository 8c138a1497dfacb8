/** One who waits at the scheduler. */
export interface Waiter {
  readonly owner: Owner;
  readonly label: string;
  /** Lets it go on. */
  readonly go: () => void;
  /** Virtual time before which it is not let go on. */
  at_ms: number;
  /** Order among those of the same time. */
  order: number;
  state: 'ready' | 'asleep' | 'gone';
  /** Put off for long, although its time had come. */
  kept: boolean;
}

/** Whoever waits belongs to somebody: a process, or one of the parts that outlive all processes. */
export interface Owner {
  readonly name: string;
  alive: boolean;
}

function before(a: Waiter, b: Waiter): boolean {
  return a.at_ms < b.at_ms || (a.at_ms === b.at_ms && a.order < b.order);
}

/** Those who wait for a time, the next one first: a binary heap. */
export class Sleepers {
  private readonly heap: Waiter[] = [];

  get size(): number {
    return this.heap.length;
  }

  /** The next one, or undefined. Those who are gone meanwhile are passed over. */
  peek(): Waiter | undefined {
    while (this.heap[0] !== undefined && this.heap[0].state !== 'asleep') this.pop();
    return this.heap[0];
  }

  push(waiter: Waiter): void {
    const { heap } = this;
    let place = heap.length;
    heap.push(waiter);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as Waiter;
      if (!before(waiter, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = waiter;
  }

  pop(): Waiter | undefined {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as Waiter)) child += 1;
      const below = heap[child] as Waiter;
      if (!before(below, last)) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}
