/**
 * The way to Temporal: connection, client, and the doorbell the relay rings.
 * May touch: @temporalio/client, src/core, names of workflows. Touched by: src/queue (through the Doorbell port), src/bin.
 */
import { Client, Connection, isGrpcServiceError, ServiceError } from '@temporalio/client';
import type { ConnectionOptions } from '@temporalio/client';
import type { Doorbell } from '../queue/relay';
import { DATA_CONVERTER } from './dataConverter';
import { SEARCH_ATTRIBUTES, WORKFLOW_QUEUE, workflowId } from './names';
import type { SearchAttribute } from './names';

const DEADLINE_MS = 5_000;

/**
 * After a failed connection gRPC refuses every call without trying until its pause is over, and its own pauses grow to two
 * minutes: so long an absence of Temporal would last longer than it does.
 */
const RECONNECT = { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 1_000 };

/** Connects lazily: the process starts and keeps working while Temporal is away, and notices its return within a second. */
export function openClient(options: ConnectionOptions, namespace: string): Client {
  const connection = Connection.lazy({ ...options, channelArgs: { ...RECONNECT, ...options.channelArgs } });
  return new Client({ connection, namespace, dataConverter: { ...DATA_CONVERTER } });
}

/** grpc.github.io/grpc/core/md_doc_statuscodes.html */
const INVALID_ARGUMENT = 3;

function isRefusedArgument(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(cause)) return false;
  const code: number = cause.code;
  return code === INVALID_ARGUMENT;
}

/**
 * Rings by signal-with-start: starts the record's workflow, or tells the open one.
 * @param searchable whether the search attributes were registered. A namespace that was wiped since has forgotten them and
 * refuses every start that names them: they are registered anew, or left out from then on, and the next ring is taken.
 */
export function createDoorbell(
  client: Client,
  connections: readonly string[],
  searchable: boolean,
): Doorbell {
  let naming = searchable;
  let registering: Promise<void> | null = null;

  async function registerAnew(): Promise<void> {
    const missing = await ensureSearchAttributes(client, client.options.namespace);
    naming = missing.length === 0;
  }

  return {
    async ring({ catalog, recordId }) {
      const searchAttributes = {
        CounterpartCatalog: [catalog],
        CounterpartConnections: [...connections],
      };
      try {
        await client.withDeadline(Date.now() + DEADLINE_MS, () =>
          client.workflow.signalWithStart(catalog, {
            workflowId: workflowId(catalog, recordId),
            taskQueue: WORKFLOW_QUEUE,
            args: [{ recordId }],
            signal: 'hint',
            staticSummary: `${catalog} ${recordId}`,
            ...(naming ? { searchAttributes } : {}),
          }),
        );
      } catch (error) {
        if (naming && isRefusedArgument(error)) {
          // many rings are refused at once; one of them registers
          registering ??= registerAnew().finally(() => (registering = null));
          await registering;
        }
        throw error;
      }
    },
  };
}

/**
 * Makes sure the search attributes exist: a start with an unknown one is rejected.
 * @returns what is missing and could not be registered; empty when all is well
 */
export async function ensureSearchAttributes(client: Client, namespace: string): Promise<SearchAttribute[]> {
  const { operatorService } = client.connection as Connection;
  const { customAttributes } = await client.withDeadline(Date.now() + DEADLINE_MS, () =>
    operatorService.listSearchAttributes({ namespace }),
  );
  const names = Object.keys(SEARCH_ATTRIBUTES) as SearchAttribute[];
  const missing = names.filter((name) => !(name in (customAttributes ?? {})));
  if (missing.length === 0) return [];
  // temporal.api.enums.v1.IndexedValueType
  const TYPE_NUMBERS = { KEYWORD: 2, KEYWORD_LIST: 7 } as const;
  try {
    const searchAttributes = Object.fromEntries(
      missing.map((name) => [name, TYPE_NUMBERS[SEARCH_ATTRIBUTES[name]]]),
    );
    await client.withDeadline(Date.now() + DEADLINE_MS, () =>
      operatorService.addSearchAttributes({ namespace, searchAttributes }),
    );
    return [];
  } catch (error) {
    if (error instanceof Error && 'code' in error) return missing;
    throw error;
  }
}
