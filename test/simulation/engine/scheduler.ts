/**
 * Who goes on next. Everything in a run waits here; between two turns all microtasks are drained, then exactly one waiter is
 * chosen by the seed. Virtual time moves with the turns, and leaps to the next sleeper when nobody is ready.
 */
import type { Chance, Turns, VirtualClock } from './ports';
import { RunningHash } from './hash';
import { Sleepers } from './sleepers';
import type { Owner, Waiter } from './sleepers';

/** A turn takes 0 to this many milliseconds of virtual time, less one. */
const TURN_MS_BELOW = 4;

/** More turns than any plan needs: something goes round in circles. */
export class Endless extends Error {}

export interface SchedulerOptions {
  readonly chance: Chance;
  readonly start_ms: number;
  readonly stepsMax: number;
  /** Hears of every turn; for the trace of one seed. */
  readonly heard?: ((line: string) => void) | undefined;
  /** Resolves when everything that a turn set off outside of this process has come to a stop. */
  readonly outside?: (() => Promise<void>) | undefined;
}

/** A sleeper that may be woken before its time. */
export interface Nap {
  readonly over: Promise<void>;
  wake(): void;
  /** Nobody waits for it any more. */
  forget(): void;
}

export class Scheduler implements VirtualClock {
  /** Turns given. */
  steps = 0;
  /** Waiters that are kept for long now. */
  kept = 0;
  /** By how much the clock was set forward, in all. */
  leapt_ms = 0;
  /** May any waiter be kept for long now: asked before each turn. @returns milliseconds, 0 for no */
  stallFor: (waiter: Waiter) => number = () => 0;
  readonly hash = new RunningHash();
  private now: number;
  private orders = 0;
  private ready: Waiter[] = [];
  private readonly sleepers = new Sleepers();
  private readonly afterDrain: Array<() => void> = [];
  private trouble: unknown = null;

  constructor(private readonly options: SchedulerOptions) {
    this.now = options.start_ms;
  }

  now_ms(): number {
    return this.now;
  }

  /**
   * While true nobody waits for a turn, only for a time: everything goes on in the one order in which it was begun. For what
   * is made ready before anything is at stake, where the order of turns would be two fifths of a run. Over a real Postgres turns are
   * what makes one order of many, and are waited for all the same.
   */
  letPass(yes: boolean): void {
    this.letsPass = yes && this.options.outside === undefined;
  }

  private letsPass = false;

  /** Everybody's clock goes on: whatever sleeps so long is over. */
  leap(ms: number): void {
    this.now += ms;
    this.leapt_ms += ms;
  }

  /** Mixes what happened into the hash, and into the trace when somebody reads it. */
  note(text: string): void {
    this.hash.add(text);
    this.options.heard?.(`${this.steps} ${this.now} ${text}`);
  }

  /** A defect of the simulation or an error nobody treats: ends the run. */
  fail(error: unknown): void {
    this.trouble ??= error;
  }

  private enter(owner: Owner, label: string, at_ms: number, go: () => void): Waiter {
    this.orders += 1;
    const waiter: Waiter = { owner, label, go, at_ms, order: this.orders, state: 'ready', kept: false };
    if (at_ms <= this.now) this.ready.push(waiter);
    else {
      waiter.state = 'asleep';
      this.sleepers.push(waiter);
    }
    return waiter;
  }

  turnsOf(owner: Owner): Turns {
    return {
      turn: (label) =>
        this.letsPass && owner.alive
          ? Promise.resolve()
          : new Promise((go) => void this.enter(owner, label, 0, go)),
      sleep: (ms, label) => new Promise((go) => void this.enter(owner, label, this.now + Math.ceil(ms), go)),
    };
  }

  /** Runs `effect` as a turn of its own after `ms`. @returns takes it back */
  after(owner: Owner, ms: number, label: string, effect: () => void): () => void {
    const waiter = this.enter(owner, label, this.now + Math.ceil(ms), effect);
    return () => this.dismiss(waiter);
  }

  nap(owner: Owner, ms: number, label: string): Nap {
    let waiter: Waiter | null = null;
    const over = new Promise<void>((go) => (waiter = this.enter(owner, label, this.now + Math.ceil(ms), go)));
    return {
      over,
      wake: () => {
        // one that is kept is not woken
        if (waiter === null || waiter.state !== 'asleep' || waiter.kept) return;
        waiter.state = 'gone';
        waiter = this.enter(owner, label, 0, waiter.go);
      },
      forget: () => {
        if (waiter !== null) this.dismiss(waiter);
      },
    };
  }

  private dismiss(waiter: Waiter): void {
    if (waiter.kept) this.kept -= 1;
    waiter.kept = false;
    waiter.state = 'gone';
  }

  /** Resolves within this turn, when all microtasks are drained. */
  drained(): Promise<void> {
    return new Promise((go) => void this.afterDrain.push(go));
  }

  /** Everything of this owner is kept for so long. */
  stall(owner: Owner, ms: number): void {
    const [kept, rest]: [Waiter[], Waiter[]] = [[], []];
    for (const waiter of this.ready) {
      if (waiter.state === 'ready') (waiter.owner === owner ? kept : rest).push(waiter);
    }
    this.ready = rest;
    for (const waiter of kept) this.putOff(waiter, ms);
  }

  private putOff(waiter: Waiter, ms: number): void {
    waiter.at_ms = this.now + ms;
    waiter.state = 'asleep';
    waiter.kept = true;
    this.kept += 1;
    this.sleepers.push(waiter);
  }

  private choose(): Waiter | null {
    const { chance } = this.options;
    for (;;) {
      for (let next = this.sleepers.peek(); next !== undefined; next = this.sleepers.peek()) {
        if (next.at_ms > this.now && this.ready.length > 0) break;
        if (next.at_ms > this.now) this.now = next.at_ms;
        this.sleepers.pop();
        next.state = 'ready';
        if (next.kept) this.kept -= 1;
        next.kept = false;
        this.ready.push(next);
      }
      if (this.ready.length === 0) return null;
      const place = this.ready.length === 1 ? 0 : chance.int(this.ready.length);
      const chosen = this.ready[place] as Waiter;
      const last = this.ready.pop() as Waiter;
      if (last !== chosen) this.ready[place] = last;
      if (chosen.state === 'gone' || !chosen.owner.alive) continue;
      const stalled_ms = this.stallFor(chosen);
      // it may have died just now
      if (!chosen.owner.alive) continue;
      if (stalled_ms === 0) return chosen;
      this.note(`${chosen.owner.name} kept at ${chosen.label} for ${stalled_ms} ms`);
      this.putOff(chosen, stalled_ms);
    }
  }

  /** @returns whether it was the last turn */
  private giveTurn(over: () => boolean): boolean {
    const { chance, stepsMax, heard } = this.options;
    const isOver = over();
    if (this.trouble !== null) throw this.trouble;
    if (isOver) return true;
    const chosen = this.choose();
    if (chosen === null) throw new Error('Everybody waits, and nobody for a time or a turn');
    this.steps += 1;
    if (this.steps > stepsMax) throw new Endless(`After ${stepsMax} turns there is no end`);
    this.now += chance.int(TURN_MS_BELOW);
    chosen.state = 'gone';
    this.hash.add(chosen.owner.name);
    this.hash.add(chosen.label);
    heard?.(`${this.steps} ${this.now} ${chosen.owner.name}: ${chosen.label}`);
    chosen.go();
    return false;
  }

  /**
   * Gives turns until `over` says so.
   * @throws Endless at the limit of steps; whatever was handed to `fail`; Error when everybody waits for nothing
   */
  run(over: () => boolean): Promise<void> {
    const { outside } = this.options;
    return new Promise((done, broken) => {
      const start = Promise.resolve();
      /** A turn of the run, or what waits for the drain; both go on when their microtasks are drained. */
      const goOn = (): void => {
        try {
          const next = this.afterDrain.shift();
          if (next !== undefined) next();
          else if (this.giveTurn(over)) {
            done();
            return;
          }
          drain();
        } catch (error) {
          broken(error);
        }
      };
      const drained = (): void => {
        if (outside === undefined || this.afterDrain.length > 0) goOn();
        else outside().then(goOn, broken);
      };
      // Node runs a tick only after all microtasks (nodejs.org/api/process.html#processnexttickcallback-args), but several
      // ticks one after the other: so it is asked for from within a microtask
      const tick = (): void => process.nextTick(drained);
      const drain = (): void => void start.then(tick);
      drain();
    });
  }
}
