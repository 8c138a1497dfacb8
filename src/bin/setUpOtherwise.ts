import type { Config } from '../config';
import type { Identity } from '../connectors/connector';
import { messageOf } from '../embedded/processes';
import { list } from '../store/connections';
import type { Connection } from '../store/connections';
import { openDatabase } from '../store/database';

const CALLED = {
  simulator: 'the simulator',
  test: 'test mode',
  live: 'live mode',
} as const satisfies Record<Identity['mode'], string>;

/** Connections whose settings mean another mode than this database was set up with: they pause, and this says why. */
export function otherModes(
  { connections, databaseUrl }: Pick<Config, 'connections' | 'databaseUrl'>,
  known: ReadonlyArray<Pick<Connection, 'name' | 'identity'>>,
): string[] {
  const mend =
    databaseUrl === null ? 'set DATA_DIR to a new folder' : 'set DATABASE_URL to a new, empty database';
  return connections.flatMap(({ name, mode }) => {
    const identity = known.find((one) => one.name === name)?.identity ?? null;
    if (identity === null || identity.mode === mode) return [];
    return [
      `${name}: this database was set up with ${CALLED[identity.mode]} (${identity.account ?? identity.apiBase}), and the settings mean ` +
        `${CALLED[mode]}. Nothing is read or sent there. To work with ${CALLED[mode]} ${mend}.`,
    ];
  });
}

/** Asks the database, which is there by now. That it cannot be asked is said, and is no reason to stop what runs. */
export async function setUpOtherwise(config: Config, databaseUrl: string): Promise<string[]> {
  const database = openDatabase(databaseUrl, {
    max: 1,
    name: 'counterpart start',
    onIdleError: () => undefined,
  });
  try {
    return otherModes(config, await list(database));
  } catch (error) {
    return [`whose accounts this database was set up with could not be read: ${messageOf(error)}`];
  } finally {
    await database.close();
  }
}
