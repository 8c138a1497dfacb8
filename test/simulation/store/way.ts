/** A process's way to a simulated Postgres, memory or real, and the store over it. */
import type { Sql } from '../../../src/store/database';
import type { Statements, Store } from '../../../src/store/store';
import { bindStatements } from './boundStatements';

/** Runs one statement; `label` is the function of the store it belongs to. */
export type Run = (
  label: string,
  text: string,
  values: readonly unknown[],
) => Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }>;

/** A transaction that was begun. */
export interface Begun {
  readonly run: Run;
  end(how: 'commit' | 'rollback'): Promise<void>;
}

export interface Way {
  /** A statement by itself. */
  readonly run: Run;
  /** @param how.patient as psql: without a bound on its waiting */
  begin(how: { readonly unflushed?: boolean; readonly patient?: boolean }): Begun;
}

class Labelled {
  constructor(
    private readonly run: Run,
    private readonly label: string,
  ) {}

  query(text: string, values: readonly unknown[] = []): ReturnType<Run> {
    return this.run(this.label, text, values);
  }
}

export const sqlOf = (run: Run, label: string): Sql => new Labelled(run, label) as unknown as Sql;

/** As src/store/database.ts. */
const RETRIED_CODES: ReadonlySet<string | null> = new Set(['40001', '40P01']);
const TRANSACTION_ATTEMPTS = 4;

/** SQLSTATE, or null of an error that is not Postgres's. */
export const codeOf = (error: unknown): string | null =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null;

/** Runs `work` again while Postgres says that it may be repeated, as src/store/database.ts does. */
export async function repeated<T>(work: () => Promise<T>): Promise<T> {
  for (let left = TRANSACTION_ATTEMPTS - 1; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left === 0 || !RETRIED_CODES.has(codeOf(error))) throw error;
    }
  }
}

/** `createStore` of src/store/store.ts over this way, with the transactions of src/store/database.ts. */
export function storeOver(way: Way): Store {
  async function attempt<T>(unflushed: boolean, work: (tx: Statements) => Promise<T>): Promise<T> {
    const begun = way.begin({ unflushed });
    let isOver = false;
    const run: Run = (label, text, values) => {
      if (isOver) throw new Error(`${label}: its transaction is over`);
      return begun.run(label, text, values);
    };
    try {
      const answer = await work(bindStatements((label) => sqlOf(run, label)));
      await begun.end('commit');
      return answer;
    } catch (error) {
      // the first error tells more
      await begun.end('rollback').catch(() => undefined);
      throw error;
    } finally {
      isOver = true;
    }
  }

  const alone: Run = (label, text, values) => way.run(label, text, values);
  return Object.assign(
    bindStatements((label) => sqlOf(alone, label)),
    {
      transact: <T>(work: (tx: Statements) => Promise<T>) => repeated(() => attempt(false, work)),
      transactUnflushed: <T>(work: (tx: Statements) => Promise<T>) => repeated(() => attempt(true, work)),
    },
  );
}
