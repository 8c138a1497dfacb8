import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import type { Database } from '../store/database';
import type { ConnectionView } from './connections';
import type { Readiness } from './readiness';

/** `refused`: the guard that paused the connection still objects; `code` is one of REASONS. */
export type Resumed =
  | { readonly kind: 'resumed' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string };

/** Everything the API may touch. */
export interface ApiDeps {
  readonly database: Database;
  /** Empty: everybody who reaches the port is let in (only on loopback). */
  readonly apiKeys: readonly string[];
  readonly log: Logger;
  readonly readiness: () => Promise<Readiness>;
  readonly metricsText: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** Receives `POST /webhooks/:connection`; finds the delivery's raw bytes, as a Buffer, in `request.body`. */
  readonly webhook: RequestHandler;
  readonly connections: {
    list(): Promise<readonly ConnectionView[]>;
    /** Names of those that the settings name now; Postgres remembers earlier ones too. */
    configured(): readonly string[];
    pause(name: string): Promise<'paused' | 'unknown'>;
    resume(name: string): Promise<Resumed>;
  };
  readonly clock: { /** Unix milliseconds. */ now(): number };
}
