/** An error of Postgres, as pg hands it on: product code reads `code`. */
export class DatabaseFailure extends Error {
  override readonly name = 'DatabaseFailure';
  readonly code: string;
  /** Where a constraint refused. */
  readonly table: string | undefined;
  readonly constraint: string | undefined;
  constructor(code: string, message: string, at?: { readonly table: string; readonly constraint: string }) {
    super(message);
    this.code = code;
    this.table = at?.table;
    this.constraint = at?.constraint;
  }
}

/** SQLSTATEs the memory Postgres answers with (postgresql.org/docs/current/errcodes-appendix.html). */
export const CODES = {
  foreignKey: '23503',
  unique: '23505',
  check: '23514',
  restrict: '23001',
  serialization: '40001',
  failedTransaction: '25P02',
  deadlock: '40P01',
  lockTimeout: '55P03',
  adminShutdown: '57P01',
  queryCanceled: '57014',
} as const;
