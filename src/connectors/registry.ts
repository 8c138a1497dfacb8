import { STRIPE } from './stripe';
import type { Connector } from './connector';

/** A kind of external system that connections can be made to. */
export interface System {
  /** As connections and links name it, e.g. `stripe`. */
  readonly name: string;
  /**
   * Builds the connector of one configured account; sends nothing.
   * @param settings in the system's own shape, which only its folder knows, e.g. `StripeSettings`.
   * @throws with every wrong setting and its mend in one message; never quotes a value.
   */
  readonly connect: (settings: unknown) => Connector;
}

/** All systems. A new one is its folder and one line here. */
export const SYSTEMS: Readonly<Record<string, System>> = {
  stripe: STRIPE,
};
