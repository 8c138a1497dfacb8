import type { Call, Waiting } from './call';

/** pg_advisory_xact_lock: held until the transaction ends. */
export function* lockName(call: Call, name: string): Waiting<void> {
  const { advisory } = call.memory;
  for (;;) {
    const holder = advisory.get(name);
    if (holder === call.tx) return;
    if (holder === undefined) break;
    yield { for: [holder] };
  }
  advisory.set(name, call.tx);
  call.tx.advisory.push(name);
}
