/**
 * What a system's folder shows to the rest: its name, the variables it is configured by, and the connections these make.
 * Knows no system.
 */
import type { z } from 'zod';
import type { Connector, Identity } from './connector';
import type { Limits, Passage } from './passage';
import type { ConnectionName, InstallationId } from '../core/ids';

export interface VariableProblem {
  readonly variable: string;
  /** Continues the variable's name, e.g. `is missing`; never quotes a secret. */
  readonly message: string;
}

/** What else is configured that a system may depend on. */
export interface Around {
  /** Whether our own simulator was started with the rest. */
  readonly simulatorStarted: boolean;
  /** Requests a second that it takes; null is no limit. */
  readonly simulatorRateLimit: number | null;
  /** The address under which remote systems reach this server. */
  readonly publicUrl: string | null;
  readonly liveAllowed: boolean;
  /** Whether a variable was refused already: its value is then the default, and needs no second complaint. */
  readonly refused: (variable: string) => boolean;
}

/** One account, before anything is built or sent. */
export interface ConfiguredConnection {
  readonly name: ConnectionName;
  readonly mode: Identity['mode'];
  /** Milliseconds between two readings of its event list. */
  readonly pollMs: number;
  /** The same while its webhook endpoint, which PUBLIC_URL asks for, is not registered. Default: `pollMs`. */
  readonly pollUntilRegisteredMs?: number;
  /** How often it may be called. */
  readonly limits: Limits;
  /** What the start prints of it. */
  readonly shown: {
    readonly title: string;
    readonly address: string;
    /** Shown masked. */
    readonly secret: string | null;
    /** Whether it delivers its events here. */
    readonly delivers: boolean;
    /** Variables that say where and who it is, and those that say how it is heard. */
    readonly variables: readonly string[];
    readonly heardBy: readonly string[];
    readonly limitedBy: readonly string[];
  };
  /** Builds its connector; sends nothing. */
  readonly connect: (installation: InstallationId, passage?: Passage) => Connector;
}

export interface Configured {
  readonly connections: readonly ConfiguredConnection[];
  readonly problems: readonly VariableProblem[];
}

type Shapes = Readonly<Record<string, z.ZodType>>;
type ValuesOf<Variables extends Shapes> = {
  readonly [Name in keyof Variables]: z.output<Variables[Name]>;
};

/** A kind of external system that connections can be made to. */
export interface System {
  /** As connections and links name it, e.g. `stripe`. */
  readonly name: string;
  /** The variables it is configured by, each with its check, its default and its mend. */
  readonly variables: Shapes;
  /** The connections that the checked values make; none where nothing is configured. */
  readonly configure: (values: Readonly<Record<string, unknown>>, around: Around) => Configured;
  /**
   * Builds the connector of one configured account; sends nothing.
   * @param settings in the system's own shape, which only its folder knows, e.g. `StripeSettings`.
   * @throws with every wrong setting and its mend in one message; never quotes a value.
   */
  readonly connect: (settings: unknown) => Connector;
}

/** Ties a system's variables to the function that reads them. */
export function defineSystem<Variables extends Shapes>(system: {
  readonly name: string;
  readonly variables: Variables;
  readonly configure: (values: ValuesOf<Variables>, around: Around) => Configured;
  readonly connect: (settings: unknown) => Connector;
}): System {
  const { configure } = system;
  // the caller has parsed the values by these very shapes
  return { ...system, configure: (values, around) => configure(values as ValuesOf<Variables>, around) };
}
