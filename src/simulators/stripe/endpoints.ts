/** Webhook endpoints (https://docs.stripe.com/api/webhook_endpoints): who is told about which events. */

import { mergeMetadata, toMetadata } from './customer-fields';
import { badRequest, missingParameter, noSuch } from './errors';
import type { Params } from './form';
import type { Ids } from './ids';
import { onlyKnown, readBoolean, readHash, readList, readString } from './params';
import { type Page, type PageRequest, Shelf } from './shelf';

export type Endpoint = {
  id: string;
  url: string;
  secret: string;
  enabled_events: string[];
  description: string | null;
  metadata: Record<string, string>;
  status: 'enabled' | 'disabled';
  created: number;
  api_version: string | null;
};

export type EndpointObject = Omit<Endpoint, 'secret'> & {
  object: 'webhook_endpoint';
  application: null;
  livemode: false;
  secret?: string;
};

type EndpointChange = Partial<Pick<Endpoint, 'url' | 'enabled_events' | 'description' | 'status'>> & {
  metadata?: ReturnType<typeof toMetadata>;
};

export const MAX_ENDPOINTS = 16;
export const ENVIRONMENT_ENDPOINT_ID = 'we_environment';
const MAX_URL_CHARS = 2_048;
const MAX_DESCRIPTION_CHARS = 5_000;
const MAX_EVENT_TYPES = 300;

export class Endpoints {
  private readonly shelf = new Shelf<Endpoint>('webhook endpoint', '/v1/webhook_endpoints');

  constructor(private readonly ids: Ids) {}

  readCreate(params: Params): EndpointChange & { apiVersion: string | null } {
    onlyKnown(params, [
      'url',
      'enabled_events',
      'description',
      'metadata',
      'api_version',
      'connect',
      'expand',
    ]);
    if (params['url'] === undefined) throw missingParameter('url');
    if (params['enabled_events'] === undefined) throw missingParameter('enabled_events');
    return { ...readChange(params), apiVersion: readString(params, 'api_version', 100) ?? null };
  }

  readUpdate(params: Params): EndpointChange {
    onlyKnown(params, ['url', 'enabled_events', 'description', 'metadata', 'disabled', 'expand']);
    const change = readChange(params);
    const disabled = readBoolean(params, 'disabled');
    if (disabled !== undefined) change.status = disabled ? 'disabled' : 'enabled';
    return change;
  }

  /** @throws StripeError 400 when 16 endpoints exist already */
  create(change: EndpointChange & { apiVersion: string | null }, createdSeconds: number): Endpoint {
    if (this.shelf.size >= MAX_ENDPOINTS) {
      throw badRequest(`You have reached the maximum of ${MAX_ENDPOINTS} test webhook endpoints.`);
    }
    const endpoint: Endpoint = {
      id: this.ids.endpoint(),
      url: change.url ?? '',
      secret: this.ids.secret(),
      enabled_events: change.enabled_events ?? [],
      description: change.description ?? null,
      metadata: change.metadata === undefined ? {} : mergeMetadata({}, change.metadata),
      status: 'enabled',
      created: createdSeconds,
      api_version: change.apiVersion,
    };
    this.shelf.add(endpoint);
    return endpoint;
  }

  update(id: string, change: EndpointChange): Endpoint {
    const before = this.retrieve(id);
    const { metadata, ...fields } = change;
    const after: Endpoint = {
      ...before,
      ...fields,
      ...(metadata === undefined ? {} : { metadata: mergeMetadata(before.metadata, metadata) }),
    };
    this.shelf.replace(after);
    return after;
  }

  retrieve(id: string): Endpoint {
    const endpoint = this.shelf.get(id);
    if (!endpoint) throw noSuch('webhook endpoint', id, 'id', 404);
    return endpoint;
  }

  remove(id: string): { id: string; object: 'webhook_endpoint'; deleted: true } {
    this.retrieve(id);
    this.shelf.remove(id);
    return { id, object: 'webhook_endpoint', deleted: true };
  }

  list(request: PageRequest): Page<Endpoint> {
    return this.shelf.page(request, () => true);
  }

  get(id: string): Endpoint | undefined {
    return this.shelf.get(id);
  }

  restore(endpoint: Endpoint): void {
    this.shelf.replace(endpoint);
  }

  restoreRemoved(id: string): void {
    this.shelf.remove(id);
  }

  listening(eventType: string): Endpoint[] {
    return [...this.shelf.oldestFirst()].filter(
      (endpoint) =>
        endpoint.status === 'enabled' &&
        (endpoint.enabled_events.includes('*') || endpoint.enabled_events.includes(eventType)),
    );
  }

  oldestFirst(): Iterable<Endpoint> {
    return this.shelf.oldestFirst();
  }

  clear(): void {
    this.shelf.clear();
  }
}

/** The secret is shown once, in the answer to the creation. */
export function endpointObject(endpoint: Endpoint, withSecret: boolean): EndpointObject {
  const { secret, ...open } = endpoint;
  return {
    ...open,
    object: 'webhook_endpoint',
    application: null,
    livemode: false,
    ...(withSecret ? { secret } : {}),
  };
}

function readChange(params: Params): EndpointChange {
  const change: EndpointChange = {};
  const url = readString(params, 'url', MAX_URL_CHARS);
  if (url !== undefined) change.url = checkedUrl(url);
  const types = readList(params, 'enabled_events', MAX_EVENT_TYPES);
  if (types !== undefined) change.enabled_events = types.map(checkedType);
  if (types?.length === 0) throw badRequest('Invalid array: enabled_events is empty', 'enabled_events');
  const description = readString(params, 'description', MAX_DESCRIPTION_CHARS);
  if (description !== undefined) change.description = description === '' ? null : description;
  const metadata = readHash(params, 'metadata');
  if (metadata !== undefined) change.metadata = toMetadata(metadata);
  return change;
}

/** Unlike Stripe, which wants a public address, any http(s) URL will do here: the receiver is on this machine. */
function checkedUrl(text: string): string {
  if (!URL.canParse(text) || !['http:', 'https:'].includes(new URL(text).protocol)) {
    throw badRequest(
      'Invalid URL: an explicit scheme (such as https) must be provided.',
      'url',
      'url_invalid',
    );
  }
  return text;
}

function checkedType(type: string, index: number): string {
  if (type !== '*' && !/^[a-z0-9_]+(?:\.[a-z0-9_]+)+$/.test(type)) {
    throw badRequest(`Invalid enabled_events: ${type} is not an event type`, `enabled_events[${index}]`);
  }
  return type;
}
