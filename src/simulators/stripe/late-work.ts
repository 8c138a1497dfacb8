/** Work that a fault puts off: done when its time comes, at once when the simulator stops, never after a reset. */

export class LateWork {
  private readonly waiting = new Map<NodeJS.Timeout, () => void>();

  /** @returns how to do it now instead; doing it twice does nothing */
  after(delayMs: number, work: () => void): () => void {
    const now = (): void => {
      clearTimeout(timer);
      if (this.waiting.delete(timer)) work();
    };
    const timer = setTimeout(now, delayMs);
    timer.unref();
    this.waiting.set(timer, now);
    return now;
  }

  finish(): void {
    for (const now of this.waiting.values()) now();
  }

  forget(): void {
    for (const timer of this.waiting.keys()) clearTimeout(timer);
    this.waiting.clear();
  }
}
