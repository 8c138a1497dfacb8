/** The two that are compared. */
import { chanceOf } from '../world/chance';
import { createClock } from './interleaved';
import type { Contender } from './interleaved';
import { createMemoryDatabase } from './memoryDatabase';
import type { VirtualPostgres } from './postgresDatabase';

/** All that can go on without real input or output has done so. */
async function drained(): Promise<void> {
  for (let i = 0; i < 3; i += 1)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
}

export function memoryContender(seed: number): Contender {
  const clock = createClock();
  const database = createMemoryDatabase({
    clock,
    chance: chanceOf(seed),
    deadlockTimeout_ms: 0,
    lockTimeout_ms: Infinity,
    statementTimeout_ms: Infinity,
  });
  return {
    clock,
    way: (turns) => database.connect(turns),
    contents: async () => ({ ...(await database.contents()), ...(await database.others()) }),
    settled: drained,
  };
}

export async function postgresContender(postgres: VirtualPostgres, seed: number): Promise<Contender> {
  const clock = createClock();
  const database = await postgres.begin({ clock, chance: chanceOf(seed), seed, lockTimeout_ms: Infinity });
  return {
    clock,
    way: (turns) => database.connect(turns),
    contents: async () => ({ ...(await database.contents()), ...(await database.others()) }),
    settled: () => database.settled(),
  };
}
