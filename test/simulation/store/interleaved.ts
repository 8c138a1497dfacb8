/** Sessions that take turns statement by statement, over either Postgres, and what each of them saw. */
import type { Statements } from '../../../src/store/store';
import type { Contents, Turns, VirtualClock } from '../engine/ports';
import { bindStatements } from './boundStatements';
import { OPERATIONS } from './operationsAround';
import { emptyMemo } from './operations';
import type { Doing, Memo } from './operations';
import { codeOf, sqlOf } from './way';
import type { Begun, Run, Way } from './way';

/** What one session does at one step. */
export type Deed =
  | { readonly kind: 'begin' }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  /** `dice`: whatever the operation chooses. */
  | {
      readonly kind: 'call';
      readonly group: string;
      readonly name: string;
      readonly dice: readonly number[];
    };

export interface Step {
  readonly session: number;
  /** The clock goes on by this before. */
  readonly ms: number;
  readonly deed: Deed;
}

/** One Postgres, under test. */
export interface Contender {
  readonly way: (turns: Turns) => Way;
  /** Everything that was begun has returned, or waits for a lock. */
  settled(): Promise<void>;
  contents(): Promise<Contents & Record<string, unknown>>;
  readonly clock: SetClock;
}

export interface SetClock extends VirtualClock {
  leap(ms: number): void;
}

export function createClock(): SetClock {
  let now = 1_700_000_000_000;
  return {
    now_ms: () => now,
    leap: (ms) => {
      now += ms;
    },
  };
}

export type Seen =
  | { readonly session: number; readonly answer: unknown }
  | { readonly session: number; readonly failed: unknown; readonly why: string };

/** What was told at one step, and who waits at its end. */
export interface Told {
  readonly heard: readonly Seen[];
  readonly waiting: readonly number[];
}

/** Everybody goes on at once; only `enqueue_passing` waits by a timer of its own, which is over when nobody else can move. */
export const AT_ONCE: Turns = {
  turn: async () => undefined,
  sleep: (ms) => (ms <= 50 ? Promise.resolve() : new Promise(() => undefined)),
};

class Session {
  begun: Begun | null = null;
  waiting = false;
  failed = false;
  private readonly statements: Statements;

  constructor(
    readonly number: number,
    private readonly way: Way,
    private readonly memo: Memo,
  ) {
    this.statements = bindStatements((label) => sqlOf(this.run, label));
  }

  private readonly run: Run = (label, text, values) =>
    this.begun === null ? this.way.run(label, text, values) : this.begun.run(label, text, values);

  async perform(deed: Deed, step: number): Promise<unknown> {
    switch (deed.kind) {
      case 'begin':
        this.begun ??= this.way.begin({});
        this.failed = false;
        return null;
      case 'commit':
      case 'rollback': {
        const { begun } = this;
        this.begun = null;
        await begun?.end(deed.kind);
        return null;
      }
      case 'call': {
        let at = 0;
        const int = (below: number): number => deed.dice[at++ % deed.dice.length]! % below;
        // the first ones come more often, so that sessions meet
        const doing: Doing = {
          s: this.statements,
          sql: (label) => sqlOf(this.run, label),
          m: this.memo,
          int,
          pick: (list) => list[Math.min(int(list.length), int(list.length))]!,
          step,
        };
        return (await OPERATIONS[deed.group]![deed.name]!(doing)) ?? null;
      }
    }
  }
}

/** Sessions of one run. */
export class Interleaved {
  private readonly memo = emptyMemo();
  private readonly sessions: Session[];
  private heard: Seen[] = [];
  private steps = 0;

  constructor(
    private readonly contender: Contender,
    sessions: number,
  ) {
    this.sessions = Array.from(
      { length: sessions },
      (_, number) => new Session(number, contender.way(AT_ONCE), this.memo),
    );
  }

  isWaiting(session: number): boolean {
    return this.sessions[session]!.waiting;
  }

  stateOf(session: number): { readonly inTransaction: boolean; readonly failed: boolean } {
    const { begun, failed } = this.sessions[session]!;
    return { inTransaction: begun !== null, failed: begun !== null && failed };
  }

  /** @returns null when the session still waits for what it did before */
  async step({ session: number, ms, deed }: Step): Promise<Told | null> {
    const session = this.sessions[number]!;
    if (session.waiting) return null;
    this.contender.clock.leap(ms);
    this.steps += 1;
    session.waiting = true;
    session.perform(deed, this.steps).then(
      (answer) => this.hear(session, { session: number, answer }),
      (error: unknown) => this.hear(session, failure(number, error)),
    );
    await this.contender.settled();
    const waiting = this.sessions.filter((one) => one.waiting).map((one) => one.number);
    const { heard } = this;
    this.heard = [];
    return { heard: heard.toSorted((a, b) => a.session - b.session), waiting };
  }

  private hear(session: Session, seen: Seen): void {
    session.waiting = false;
    if ('failed' in seen) session.failed = true;
    this.heard.push(seen);
  }

  /** Rolls everything back that is open, those first who wait for nobody. */
  async end(): Promise<void> {
    for (let round = 0; round <= this.sessions.length; round += 1) {
      for (const { number, begun, waiting } of this.sessions) {
        if (begun !== null && !waiting)
          await this.step({ session: number, ms: 0, deed: { kind: 'rollback' } });
      }
    }
    const stuck = this.sessions.filter(({ begun, waiting }) => waiting || begun !== null);
    if (stuck.length > 0) throw new Error(`Sessions wait though nobody holds anything: ${stuck.length}`);
  }
}

function failure(session: number, error: unknown): Seen {
  const code = codeOf(error);
  // an error without a code is the store's own, or a defect of a memory twin: its text must be the same
  const { table, constraint } = error as { table?: string; constraint?: string };
  const at = code === null || table === undefined ? '' : ` ${table} ${constraint}`;
  return { session, failed: code === null ? String(error) : `${code}${at}`, why: String(error) };
}
