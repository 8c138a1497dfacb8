import { parseCatalogName, parseRecordId, trusted } from '../core/ids';
import { createRelay } from './relay';
import type { RelayPorts } from './relay';

const RECORD = {
  catalog: trusted(parseCatalogName('customer'), 'catalog name'),
  recordId: trusted(parseRecordId('01890000-0000-7000-8000-000000000001'), 'record id'),
};
const SLOW_POLL_MS = 2_000;
const GROWING_MS = [200, 400, 800, 1_600, 3_200, 5_000, 5_000];

/** Runs a relay until it has paused so often. @returns its pauses and what it said */
async function run(
  turns: number,
  ports: { claimDue: RelayPorts['queue']['claimDue']; ring: (turn: number) => void },
) {
  const pauses: number[] = [];
  const givenBack: number[] = [];
  const said: string[] = [];
  const say = (_: object, message: string): void => void said.push(message);
  const relay = createRelay({
    queue: {
      claimDue: ports.claimDue,
      unclaim: async (_, ms) => void givenBack.push(ms),
      msUntilDue: async () => null,
    },
    doorbell: { ring: async () => ports.ring(pauses.length) },
    wake: async (ms) => {
      pauses.push(ms);
      if (pauses.length === turns) relay.stop();
    },
    log: { warn: say, info: say },
  });
  await relay.run();
  return { pauses, givenBack, said };
}

test('failure 40: Temporal is down: rows are given back, for longer each time; once it takes a ring all is as before', async () => {
  const downFor = GROWING_MS.length;
  const { pauses, givenBack, said } = await run(downFor + 1, {
    claimDue: async () => [RECORD],
    ring: (turn) => {
      if (turn < downFor) throw new Error('down');
    },
  });
  expect(givenBack).toEqual(GROWING_MS);
  expect(pauses).toEqual([...GROWING_MS, SLOW_POLL_MS]);
  expect(said).toEqual(['Temporal does not take rings', 'Temporal answers again']);
});

test('failure 36: Postgres is away: asked again after longer and longer; once it answers with nothing due, all is as before', async () => {
  let asked = 0;
  const { pauses, givenBack, said } = await run(GROWING_MS.length + 1, {
    claimDue: async () => {
      asked += 1;
      if (asked <= GROWING_MS.length) throw new Error('away');
      return [];
    },
    ring: () => undefined,
  });
  expect(pauses).toEqual([...GROWING_MS, SLOW_POLL_MS]);
  expect(givenBack).toEqual([]);
  expect(new Set(said)).toEqual(new Set(['the relay could not read the work queue']));
});
