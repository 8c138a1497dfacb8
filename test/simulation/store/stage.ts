/** Sessions of a story: each does one thing at a time, and it is known whether it waits. */
import type { Statements } from '../../../src/store/store';
import { bindStatements } from './boundStatements';
import { AT_ONCE } from './interleaved';
import type { Contender } from './interleaved';
import { sqlOf } from './way';
import type { Begun, Way } from './way';

type Work<T> = (s: Statements, session: Session) => Promise<T>;

export interface Pending<T> {
  /** What came of it, after somebody else let it go on. */
  answer(): Promise<T>;
}

type Outcome<T> = { readonly done: T } | { readonly failed: unknown };

export class Session {
  readonly s: Statements;
  private begun: Begun | null = null;

  constructor(
    private readonly stage: Stage,
    readonly way: Way,
  ) {
    this.s = bindStatements((label) => this.sql(label));
  }

  readonly sql = (label: string) =>
    sqlOf((name, text, values) => (this.begun ?? this.way).run(name, text, values), label);

  begin(): void {
    this.begun = this.way.begin({});
  }

  private end(how: 'commit' | 'rollback'): Promise<void> {
    return this.does(async () => {
      const { begun } = this;
      this.begun = null;
      await begun!.end(how);
    });
  }

  commit(): Promise<void> {
    return this.end('commit');
  }

  rollback(): Promise<void> {
    return this.end('rollback');
  }

  private async start<T>(work: Work<T>): Promise<() => Outcome<T> | null> {
    let outcome: Outcome<T> | null = null;
    work(this.s, this).then(
      (done) => (outcome = { done }),
      (failed: unknown) => (outcome = { failed }),
    );
    await this.stage.contender.settled();
    return () => outcome;
  }

  /** Does something that must not wait. */
  async does<T>(work: Work<T>): Promise<T> {
    const outcome = (await this.start(work))();
    if (outcome === null) throw new Error('It waits, and should not');
    if ('failed' in outcome) throw outcome.failed;
    return outcome.done;
  }

  /** Does something that must wait for somebody. */
  async waits<T>(work: Work<T>): Promise<Pending<T>> {
    const told = await this.start(work);
    if (told() !== null) throw new Error(`It does not wait: ${JSON.stringify(told())}`);
    return {
      answer: async () => {
        const outcome = told();
        if (outcome === null) throw new Error('It still waits');
        if ('failed' in outcome) throw outcome.failed;
        return outcome.done;
      },
    };
  }
}

export class Stage {
  constructor(readonly contender: Contender) {}

  session(): Session {
    return new Session(this, this.contender.way(AT_ONCE));
  }

  leap(ms: number): void {
    this.contender.clock.leap(ms);
  }

  contents() {
    return this.contender.contents();
  }
}
