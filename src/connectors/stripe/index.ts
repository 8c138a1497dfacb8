/**
 * Talks with Stripe, or any server that speaks like it: the port's implementation for one account.
 * May touch: src/core, src/catalogs, the port, the `stripe` library. Touched by: registry.ts alone.
 * What Stripe says that could hold a person's data (messages, bodies) ends in this folder.
 */
import { CUSTOMER } from '../../catalogs/customer/customer';
import { defineSystem } from '../system';
import { createClient } from './client';
import { configureStripe } from './configure';
import { createCustomers } from './customers';
import { createEndpoints } from './endpoints';
import { listEvents } from './events';
import { identify } from './identity';
import { parseStripeSettings } from './settings';
import { STRIPE_VARIABLES } from './variables';
import { receive } from './webhook';
import type { Connector } from '../connector';
import type { System } from '../system';
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
    receive: (body, headers, now, registered = []) =>
      receive(body, headers, now, [...webhookSecrets, ...registered], installation),
    webhooks: createEndpoints(client, connection, installation),
    listEvents: (page) => listEvents(client, installation, page),
  };
}

export const STRIPE: System = defineSystem({
  name: 'stripe',
  variables: STRIPE_VARIABLES,
  configure: (values, around) => configureStripe(values, around, createStripeConnector),
  connect: (settings) => connect(parseStripeSettings(settings)),
});

export type { StripeSettings };
