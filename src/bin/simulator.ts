/** Composition root of the Stripe simulator: environment in, one JSON line out when it listens. */

import { EXIT_NEEDS_A_PERSON } from '../embedded/supervisor';
import { optionsFromEnvironment, startSimulator, WrongOptions } from '../simulators/stripe';

const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

async function main(): Promise<void> {
  const simulator = await startSimulator(optionsFromEnvironment(process.env));
  process.stdout.write(`${JSON.stringify({ msg: 'simulator listening', url: simulator.url })}\n`);
  let stopping = false;
  const stop = (): void => {
    // A second signal does not wait any longer.
    if (stopping) process.exit(1);
    stopping = true;
    simulator.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof WrongOptions ? EXIT_NEEDS_A_PERSON : 1);
}

main().catch(fail);
