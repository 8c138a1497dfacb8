/**
 * Talks with Stripe, or any server that speaks like it: the port's implementation for one account.
 * May touch: src/core, src/catalogs, the port, the `stripe` library. Touched by: registry.ts alone.
 * What Stripe says that could hold a person's data (messages, bodies) ends in this folder.
 */
import { CUSTOMER } from '../../catalogs/customer/customer';
import { createClient } from './client';
import { createCustomers } from './customers';
import { listEvents } from './events';
import { identify } from './identity';
import { parseStripeSettings } from './settings';
import { receive } from './webhook';
import type { Connector } from '../connector';
import type { System } from '../registry';
import type { StripeSettings } from './settings';

/** @throws when the settings are wrong, with the mend; nothing is sent yet. */
export function createStripeConnector(settings: StripeSettings): Connector {
  return connect(parseStripeSettings(settings));
}

function connect(settings: StripeSettings): Connector {
  const { connection, installation, webhookSecrets } = settings;
  const client = createClient(settings);
  return {
    connection,
    system: 'stripe',
    catalogs: new Map([[CUSTOMER.name, createCustomers(client, installation)]]),
    identify: () => identify(client, settings),
    receive: (body, headers, now) => receive(body, headers, now, webhookSecrets, installation),
    listEvents: (page) => listEvents(client, installation, page),
  };
}

export const STRIPE: System = {
  name: 'stripe',
  connect: (settings) => connect(parseStripeSettings(settings)),
};

export type { StripeSettings };
