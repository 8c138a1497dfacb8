import { DefaultFailureConverter, TemporalFailure } from '@temporalio/common';
import type { FailureConverter, PayloadConverter, ProtoFailure } from '@temporalio/common';

/**
 * The one way an error becomes part of a history. Errors made for Temporal pass as they are; of any other only the class
 * crosses, because messages and stacks quote values (Postgres: `Key (email)=(…)`, Stripe: the e-mail it refuses).
 */
class DiscreetFailureConverter implements FailureConverter {
  private readonly standard = new DefaultFailureConverter();

  errorToFailure(error: unknown, payloads: PayloadConverter): ProtoFailure {
    if (error instanceof TemporalFailure) return withoutStack(this.standard.errorToFailure(error, payloads));
    const name = error instanceof Error ? error.name : typeof error;
    const discreet = new Error(`${name}; the log of the worker has the rest`);
    discreet.name = name;
    return withoutStack(this.standard.errorToFailure(discreet, payloads));
  }

  failureToError(failure: ProtoFailure, payloads: PayloadConverter): Error {
    return this.standard.failureToError(failure, payloads);
  }
}

/** A stack begins with the message it belongs to, and a cause has its own. */
function withoutStack(failure: ProtoFailure): ProtoFailure {
  const { cause } = failure;
  return { ...failure, stackTrace: '', ...(cause ? { cause: withoutStack(cause) } : {}) };
}

export const failureConverter = new DiscreetFailureConverter();
