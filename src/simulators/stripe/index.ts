/**
 * The Stripe simulator: a room that PLAYS the other side, so that everything can be run and tried without Stripe.
 * Knows Stripe's wire format and nothing of the product; imports nothing from it, and is imported by src/bin/simulator.ts and tests only.
 * Path of a request: simulator.ts -> lifecycle.ts -> routes.ts -> account.ts -> {customers, events, endpoints}.ts -> deliveries.ts
 * Faults: fault-table.ts names them, fault-board.ts decides whom they strike, lifecycle.ts and mistreatment.ts do them.
 */

export { optionsFromEnvironment, WrongOptions, type SimulatorOptions } from './options';
export { type Simulator, startSimulator } from './simulator';
