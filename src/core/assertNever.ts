/** Ends a `switch` over a union: the compiler refuses a case that was forgotten, the run time names it. */
export function assertNever(value: never): never {
  throw new Error(`A case was not handled: ${JSON.stringify(value)}`);
}
