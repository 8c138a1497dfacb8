/** Why a part that is waited for is not there, where it says so itself, and whether waiting helps. */
import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { ConfigError } from '../config';
import { EXIT_NEEDS_A_PERSON } from '../embedded/supervisor';

/** Trying again is of no use before somebody has mended something. */
export class NeedsAPerson extends Error {
  override readonly name = 'NeedsAPerson';
}

export interface Cause {
  readonly text: string;
  /** Whether it may end while this process waits, by another process's work. */
  readonly heals: boolean;
}

/** By SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html). */
const POSTGRES: Readonly<Record<string, Cause>> = {
  '3D000': {
    text: 'The database that DATABASE_URL names does not exist: create it, or correct DATABASE_URL',
    heals: false,
  },
  '42501': {
    text:
      'The role of DATABASE_URL lacks a right: it must own schema counterpart, or may create it (grant create on database … to …), ' +
      'and api and worker must use the role that migrated',
    heals: false,
  },
  '42P01': {
    text: 'The database has no schema of ours yet: run the migrations (node dist/src/bin/migrate.js)',
    heals: true,
  },
  '28P01': { text: 'Postgres refuses the user or the password of DATABASE_URL', heals: true },
  '28000': { text: 'Postgres refuses the user of DATABASE_URL, or the way it comes (TLS)', heals: true },
};

/** By gRPC status (grpc.github.io/grpc/core/md_doc_statuscodes.html). */
const TEMPORAL: Readonly<Record<number, Cause>> = {
  5: {
    text:
      'Temporal does not know the namespace: correct TEMPORAL_NAMESPACE, or make it ' +
      '(temporal operator namespace create -n <name> --retention 72h)',
    heals: true,
  },
  7: { text: 'Temporal refuses these credentials (TEMPORAL_API_KEY, TEMPORAL_TLS_*)', heals: true },
  16: { text: 'Temporal refuses these credentials (TEMPORAL_API_KEY, TEMPORAL_TLS_*)', heals: true },
};

/** What stands behind a failed attempt, in words a person can act on; null when it is just not there. */
export function causeOf(error: unknown): Cause | null {
  const told = error instanceof ServiceError ? error.cause : error;
  if (isGrpcServiceError(told)) return TEMPORAL[told.code] ?? null;
  const code = told instanceof Error && 'code' in told ? told.code : undefined;
  return typeof code === 'string' ? (POSTGRES[code] ?? null) : null;
}

/** How a process ends that could not begin: whoever supervises it need not try again where a person must act. */
export function exitCodeOf(error: unknown): number {
  return error instanceof NeedsAPerson || error instanceof ConfigError ? EXIT_NEEDS_A_PERSON : 1;
}
