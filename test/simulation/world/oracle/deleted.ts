import type { Check } from './evidence';

/** I6: what is deleted comes back only by an explicit restore of the product's own. */
export const i6NoResurrection: Check = (evidence) =>
  [...evidence.records.values()].flatMap((record) => {
    const told: string[] = [];
    const changes = record.entries.filter(({ kind }) => kind === 'change');
    let isDeleted = false;
    let restores = 0;
    for (const { seq, connection, detail } of changes) {
      const does = detail['does'];
      if (isDeleted && does !== 'restore' && does !== 'delete')
        told.push(`record ${record.id}: deleted, and entry ${seq} of its timeline is "${String(does)}"`);
      if (does === 'restore') {
        restores += 1;
        if (connection !== null)
          told.push(`record ${record.id} was brought back by the sync with ${connection}, not by a restore`);
      }
      isDeleted = does === 'delete';
    }
    const asked = evidence.written.filter(
      ({ does, record: id, fate }) =>
        id === record.id &&
        (does === 'restore' || does === 'insert') &&
        (fate === 'ok' || fate === 'unknown'),
    ).length;
    if (restores > asked)
      told.push(`record ${record.id} came back ${restores} times, and was restored ${asked} times`);
    if (record.row !== null && record.tombstone !== null)
      told.push(`record ${record.id} stands and has a tombstone`);
    return told;
  });
