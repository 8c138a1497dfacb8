import { DefaultFailureConverter, TemporalFailure } from '@temporalio/common';
import type { FailureConverter, PayloadConverter, ProtoFailure } from '@temporalio/common';

/** Node's error codes and Postgres's SQLSTATEs; any other text might be a value. */
const CODE = /^[A-Z0-9_]{1,60}$/;

/**
 * The one way an error becomes part of a history. Errors made for Temporal pass as they are; of any other only the class
 * crosses, because messages and stacks quote values (Postgres: `Key (email)=(…)`, Stripe: the e-mail it refuses).
 */
class DiscreetFailureConverter implements FailureConverter {
  private readonly standard = new DefaultFailureConverter();

  errorToFailure(error: unknown, payloads: PayloadConverter): ProtoFailure {
    if (error instanceof TemporalFailure) return withoutStack(this.standard.errorToFailure(error, payloads));
    const name = error instanceof Error ? error.name : typeof error;
    const discreet = new Error(`${name}${codeOf(error)}; the log of the worker has the rest`);
    discreet.name = name;
    return withoutStack(this.standard.errorToFailure(discreet, payloads));
  }

  failureToError(failure: ProtoFailure, payloads: PayloadConverter): Error {
    return this.standard.failureToError(failure, payloads);
  }
}

/** The runtime's own name for it, e.g. ` ERR_SCRIPT_EXECUTION_TIMEOUT`. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && CODE.test(code) ? ` ${code}` : '';
}

/** A stack begins with the message it belongs to, and a cause has its own. */
function withoutStack(failure: ProtoFailure): ProtoFailure {
  const { cause } = failure;
  return { ...failure, stackTrace: '', ...(cause ? { cause: withoutStack(cause) } : {}) };
}

export const failureConverter = new DiscreetFailureConverter();
