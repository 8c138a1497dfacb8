import type { PlannedConnection } from '../plan';
import type { Check, Evidence } from './evidence';
import { quoted, standsFor } from './sameness';

/** docs/RECONCILE.md, I14: on the embedded parts a change is on the other side within this time. */
const WITHIN_MS = 30_000;

/** Nothing happened to this connection or to the parts that it shares with the other one. */
function isSpared({ plan }: Evidence, { name }: PlannedConnection): boolean {
  const { calls, deaths, stalls } = plan.rates;
  if (deaths > 0 || stalls > 0 || plan.held || Object.keys(calls).length > 0) return false;
  return plan.acts.every(({ deed }) => {
    switch (deed.kind) {
      case 'outage':
      case 'fault':
        return deed.connection !== name;
      case 'kill':
      case 'stall':
      case 'skew':
      case 'leap':
      case 'temporal down':
      case 'temporal wiped':
      case 'terminate':
        return false;
      default:
        return true;
    }
  });
}

/**
 * I15: a connection in trouble delays no other one. Where one had trouble and this one none, what was written here arrived at
 * this one in time, unless something newer was written over it before.
 */
export const i15Isolation: Check = (evidence) => {
  const { plan, written } = evidence;
  if (plan.connections.length < 2) return [];
  return plan.connections.flatMap((planned) => {
    if (!isSpared(evidence, planned)) return [];
    return written.flatMap((write, place) => {
      const record = evidence.records.get(write.record);
      if (write.does !== 'update' || write.fate !== 'ok' || record === undefined) return [];
      const isSuperseded = written.some(
        (other, later) =>
          later > place && other.record === write.record && other.at_ms < write.at_ms + WITHIN_MS,
      );
      if (isSuperseded || record.row === null || record.lost.length > 0) return [];
      const effects = evidence
        .objectsOf(record, planned.name)
        .flatMap((id) => evidence.effectsOf(planned.name, id));
      return Object.entries(write.fields).flatMap(([field, value]) => {
        const arrived = effects.find(({ after }) =>
          after === null ? false : standsFor(planned.form, field, value, after[field] ?? null),
        );
        if (arrived === undefined || arrived.at_ms <= write.at_ms + WITHIN_MS) return [];
        return [
          `record ${record.id}: ${field} ${quoted(value)} took ${arrived.at_ms - write.at_ms} ms to ${planned.name}, to which nothing had happened`,
        ];
      });
    });
  });
};
