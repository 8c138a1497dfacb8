/** A day in which nothing runs. Clocks cannot be set, so what is remembered is set back instead. */
import type { Board } from './board';
import type { Mend } from './fault';
import type { Stage } from './stage';
import { within } from './waiting';

/** Longer than a key is used (23 h) and than Stripe keeps one (24 h). */
const AWAY = '25 hours';
/** What a simulator's proxy still commits after its 504, and what a cut request still does, has happened by then. */
const LATE_WORK_MS = 3_500;
const PATIENCE_MS = 45_000;

/** @returns how many intents were open: a call of theirs may have been made or not */
export async function ageIntents(stage: Stage): Promise<number> {
  const { rowCount } = await stage.pool.query(
    `update counterpart.intents set created_at = created_at - interval '${AWAY}',
       first_sent_at = first_sent_at - interval '${AWAY}' where ended_at is null`,
  );
  return rowCount ?? 0;
}

/** Both workers die; nothing of theirs is under way any more when the day passes. */
export async function aDayPasses(stage: Stage, board: Board): Promise<Mend> {
  const workers = [stage.parts['worker-a'], stage.parts['worker-b']];
  await Promise.all(workers.map((worker) => worker.kill()));
  // no packet is on its way for a day
  for (const { kind, proxy } of stage.links) if (kind === 'worker-simulator') proxy.drop();
  await new Promise((resolve) => setTimeout(resolve, LATE_WORK_MS));
  // Postgres or the simulator may be away for a moment by another fault
  await within('a day passes', PATIENCE_MS, () =>
    ageIntents(stage).then(
      () => true,
      () => false,
    ),
  );
  await board.once({ name: 'expire-keys' });
  return async () => {
    await Promise.all(workers.map((worker) => worker.start()));
  };
}
