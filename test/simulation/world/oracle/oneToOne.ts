import type { RecordId } from '../../../../src/core/ids';
import type { Check } from './evidence';

/**
 * I2: at most one living object per record, counted over all objects by link and by mark, orphans included; and at most
 * one record per object.
 */
export const i2OneToOne: Check = (evidence) => {
  const told: string[] = [];
  const owners = new Map<string, string>();
  for (const { connection, remoteId, record } of evidence.links) {
    if (remoteId === null) continue;
    const name = `${remoteId} at ${connection}`;
    const other = owners.get(name);
    if (other !== undefined) told.push(`${name} stands for two records: ${other} and ${record}`);
    owners.set(name, record);
  }
  for (const [connection, objects] of evidence.living) {
    const found = new Map<RecordId, string[]>();
    for (const object of objects.values()) {
      const link = evidence.links.find((one) => one.connection === connection && one.remoteId === object.id);
      const owner = link?.record ?? evidence.ownerByMark(object);
      if (owner !== null) found.set(owner, [...(found.get(owner) ?? []), object.id]);
    }
    for (const [record, ids] of found) {
      if (ids.length > 1)
        told.push(`record ${record} has ${ids.length} living objects at ${connection}: ${ids.join(', ')}`);
    }
  }
  return told;
};
