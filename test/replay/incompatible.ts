/** Workflow code that cannot replay what today's has begun: a deploy that somebody got wrong. */

/** Where each workflow waits a millisecond before the first thing it does. */
const FIRST_STEPS: readonly RegExp[] = [
  /telling\.phase = ['"]opening['"];/,
  /batch = await sweepBatch/,
  /return [\w.(),\s]*schedulingActivities/,
];

/** @param code a bundle of today's workflows @throws when a first step is no longer written as it is looked for */
export function incompatible(code: string): string {
  return FIRST_STEPS.reduce((changed, first) => {
    if (!first.test(changed))
      throw new Error(`The bundle has no ${String(first)}: say here how it begins now`);
    return changed.replace(first, (found) => `await new Promise((on) => setTimeout(on, 1)); ${found}`);
  }, code);
}
