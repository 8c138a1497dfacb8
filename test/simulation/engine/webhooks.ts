/** The senders of webhooks: each event is handed to the api, and again until somebody answered that it is stored. */
import { hear } from '../../../src/inbound/door';
import type { DoorPorts } from '../../../src/inbound/door';
import { parseConnectionName, trusted } from '../../../src/core/ids';
import type { Delivery } from '../world/deliveries';
import type { Processes } from './processes';
import { INSTALLATION, isDefect } from './surroundings';
import type { Surroundings } from './surroundings';

/** A sender that got no answer tries again. */
const AGAIN_MS = 15_000;
const API_AWAY_MS = 3_000;

export class Webhooks {
  /** Deliveries that nobody acknowledged yet. */
  open = 0;
  /** While set, deliveries wait. */
  private held: Delivery[] | null = null;

  constructor(
    private readonly world: Surroundings,
    private readonly processes: Processes,
  ) {}

  hold(): void {
    this.held ??= [];
  }

  release(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const delivery of held) this.send(delivery, delivery.after_ms);
  }

  hand(delivery: Delivery): void {
    this.open += 1;
    if (this.held === null) this.send(delivery, delivery.after_ms);
    else this.held.push(delivery);
  }

  private send(delivery: Delivery, after_ms: number): void {
    const { scheduler, temporal } = this.world;
    this.world.lastNews_ms = scheduler.now_ms();
    scheduler.after(temporal.owner, after_ms, `webhook ${delivery.event.id}`, () => this.attempt(delivery));
  }

  private attempt(delivery: Delivery): void {
    const { api } = this.processes;
    if (api === null) return this.send(delivery, API_AWAY_MS);
    const { world } = this;
    const { scheduler, temporal, fingerprint, policies, handed } = world;
    const connection = trusted(parseConnectionName(delivery.connection), 'connection name');
    const connector = api.connectors.get(connection);
    if (connector === undefined) throw new Error(`The api knows no connection ${connection}`);
    const ports: DoorPorts = { store: api.session.store, installation: INSTALLATION, fingerprint, policies };
    let over = false;
    const takeBack = scheduler.after(temporal.owner, AGAIN_MS, `webhook ${delivery.event.id} again`, () => {
      over = true;
      handed.push({ connection, event: delivery.event.id, acknowledged: false });
      this.attempt(delivery);
    });
    const run = async (): Promise<void> => {
      const result = await hear(ports, connector, delivery.event, 'webhook');
      scheduler.note(`webhook ${delivery.event.id}: ${result}`);
      handed.push({ connection, event: delivery.event.id, acknowledged: true });
      if (over) return;
      takeBack();
      this.open -= 1;
    };
    run().catch((error: unknown) => {
      if (isDefect(error)) scheduler.fail(error);
      scheduler.note(`webhook ${delivery.event.id} not stored: ${String(error)}`);
    });
  }
}
