import type { ConnectionName } from '../core/ids';
import type { Delivery } from '../connectors/connector';

/** Verifies a delivery with the secrets that it is handed. */
type Verify = (secrets: readonly string[]) => Delivery;

export interface RegisteredSecrets {
  /**
   * Verifies with the secrets known in this process, and again with those read anew when they do not fit.
   * @throws when they cannot be read: whether the delivery is forged is then not known
   */
  verify(connection: ConnectionName, now: number, verify: Verify): Promise<Delivery>;
}

/** A secret that was replaced is accepted by this process no longer than this. */
const KEPT_MS = 60_000;
/** However many forged deliveries come, the secrets are read this often at most. */
const REREAD_MS = 1_000;

interface Reading {
  readonly at: number;
  readonly secrets: Promise<readonly string[]>;
  /** Null while it is under way. */
  read: readonly string[] | null;
}

/**
 * Another process registers the endpoint, and may do so anew at any time: its secret is read when a signature is not
 * known, not at the start only.
 */
export function createRegisteredSecrets(
  readSecrets: (connection: ConnectionName) => Promise<readonly string[]>,
): RegisteredSecrets {
  const readings = new Map<ConnectionName, Reading>();

  function readAnew(connection: ConnectionName, now: number): Promise<readonly string[]> {
    const reading: Reading = {
      at: now,
      read: null,
      secrets: readSecrets(connection).then(
        (secrets) => (reading.read = secrets),
        (error: unknown) => {
          // A failed reading is told to those who wait for it, and kept for nobody else.
          readings.delete(connection);
          throw error;
        },
      ),
    };
    readings.set(connection, reading);
    return reading.secrets;
  }

  return {
    async verify(connection, now, verify) {
      const last = readings.get(connection);
      const age_ms = last === undefined ? Infinity : Math.abs(now - last.at);
      const known = verify(age_ms < KEPT_MS ? (last?.read ?? []) : []);
      if (known.kind !== 'forged') return known;
      const secrets = last !== undefined && age_ms < REREAD_MS ? last.secrets : readAnew(connection, now);
      return verify(await secrets);
    },
  };
}
