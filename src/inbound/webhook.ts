import type { RequestHandler } from 'express';
import type { Connector } from '../connectors/connector';
import type { ConnectionName } from '../core/ids';
import { hear } from './door';
import type { DoorPorts } from './door';
import type { RegisteredSecrets } from './registeredSecrets';

export interface WebhookPorts extends DoorPorts {
  readonly connectors: ReadonlyMap<ConnectionName, Connector>;
  readonly secrets: RegisteredSecrets;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void };
  /** One delivery, by what came of it: an event's result, `repeated`, `forged`, `malformed` or `failed`. */
  readonly heard: (connection: string, result: string) => void;
}

/** A refusal in the API's error form. Says nothing about why: a forger learns nothing. */
export type Refuse = (
  response: Parameters<RequestHandler>[1],
  status: number,
  code: string,
  title: string,
) => void;

/**
 * Receives `POST /webhooks/{connection}`. Expects the raw bytes as `request.body`: the signature is checked before any
 * parser sees them. Answers 2xx only after the event's row is committed; the sender repeats everything else.
 */
export function createWebhookHandler(ports: WebhookPorts, refuse: Refuse): RequestHandler {
  return async (request, response) => {
    const named = String(request.params['connection']);
    const connector = [...ports.connectors.values()].find((candidate) => candidate.connection === named);
    if (connector === undefined) return refuse(response, 404, 'not_found', 'No such connection');
    const body: unknown = request.body;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
    );
    let event: string | null = null;
    try {
      const now = ports.now();
      const delivery = await ports.secrets.verify(connector.connection, now, (secrets) =>
        connector.receive(bytes, headers, now, secrets),
      );
      if (delivery.kind !== 'event') {
        ports.heard(named, delivery.kind);
        return refuse(response, 400, 'webhook_refused', 'The delivery was refused');
      }
      event = delivery.event.id;
      const result = await hear(ports, connector, delivery.event, 'webhook');
      ports.heard(named, result);
      ports.log.info(
        { connection: named, event: delivery.event.id, type: delivery.event.type, result },
        'webhook',
      );
      response.status(200).json({ received: true });
    } catch (error) {
      ports.heard(named, 'failed');
      ports.log.error({ err: error, connection: named, event }, 'a webhook could not be stored');
      response.setHeader('Retry-After', '5');
      refuse(response, 503, 'unavailable', 'The event could not be stored');
    }
  };
}
