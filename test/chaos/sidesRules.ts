/** Rules that look at what stands on both sides and ask nobody who did it: I1, I2, I5, I9, I10, I11, I14, I18. */
import { canonical, FIELD_NAMES } from './history';
import { isParked, LIVE_STATES, liveLinks, violation } from './rule';
import type { Rule } from './rule';
import type { Violation } from './violation';
import { shortened } from './seen';

/** I1: equal on both sides, field by field; and I5: what stands on one side stands on both. */
export const equality: Rule = (seen) => {
  const remotes = new Map(seen.remotes.map((remote) => [remote.id, remote]));
  const locals = new Map(seen.customers.map((local) => [local.id, local]));
  const found: Violation[] = [];
  const linked = new Map(liveLinks(seen).map((link) => [link.record_id, link]));
  for (const local of seen.customers) {
    const link = linked.get(local.id);
    if (link === undefined) {
      found.push(violation('I5', `record ${local.id} stands here and has no live link`));
      continue;
    }
    if (isParked(link)) continue;
    const remote = link.remote_id === null ? undefined : remotes.get(link.remote_id);
    if (remote === undefined) {
      found.push(
        violation(
          'I1',
          `record ${local.id} stands here; ${link.remote_id ?? 'no object'} (link ${link.state}, ${link.outcome}) does not stand there`,
        ),
      );
      continue;
    }
    for (const field of FIELD_NAMES) {
      const [ours, theirs] = [canonical(field, local[field]), canonical(field, remote[field])];
      if (ours !== theirs)
        found.push(
          violation('I1', `${field} of ${local.id}: ${String(ours)} here, ${String(theirs)} at ${remote.id}`),
        );
    }
  }
  for (const link of liveLinks(seen)) {
    if (locals.has(link.record_id) || isParked(link)) continue;
    found.push(
      violation(
        'I1',
        `record ${link.record_id} is gone here and its link ${link.remote_id ?? ''} is ${link.state}, ${link.outcome}`,
      ),
    );
  }
  return found;
};

/** I2: counted over all objects there by our mark and by link, orphans included, and over all creations there ever were. */
export const oneToOne: Rule = (seen) => {
  const mark = `counterpart_${seen.installation}`;
  const found: Violation[] = [];
  const owners = new Map(
    seen.links.flatMap((link) => (link.remote_id === null ? [] : [[link.remote_id, link]])),
  );
  const marked = new Map<string, string[]>();
  for (const remote of seen.remotes) {
    const link = owners.get(remote.id);
    if (link === undefined)
      found.push(violation('I2', `${remote.id} (${String(remote.name)}) stands there and no record has it`));
    else if (!LIVE_STATES.has(link.state))
      found.push(violation('I2', `${remote.id} stands there and its link is ${link.state}`));
    const record = remote.metadata[mark];
    if (record !== undefined) marked.set(record, [...(marked.get(record) ?? []), remote.id]);
  }
  for (const [record, ids] of marked) {
    if (ids.length > 1)
      found.push(violation('I2', `record ${record} has ${ids.length} live objects: ${ids.join(', ')}`));
  }
  for (const event of seen.events) {
    const record = event.type === 'customer.created' ? event.data.object.metadata[mark] : undefined;
    const id = event.data.object.id;
    if (record !== undefined && !owners.has(id))
      found.push(violation('I2', `${id} was created for ${record}, and no link remembers it`));
  }
  return found;
};

/** I9: one mutation per key, by what was asked and by what happened; the same key always carries the same. */
export const oneMutationPerIntent: Rule = (seen) => {
  const found: Violation[] = [];
  const asked = new Map<string, string>();
  for (const { idempotency_key: key, method, path, params } of seen.requests) {
    if (key === null || params === null) continue;
    const carried = JSON.stringify([method, path, params]);
    const before = asked.get(key);
    if (before !== undefined && before !== carried)
      found.push(violation('I9', `key ${key} carried ${before} and ${carried}`));
    asked.set(key, carried);
  }
  const caused = new Map<string, string[]>();
  for (const event of seen.events) {
    const key = event.request?.idempotency_key;
    if (key?.startsWith('cp_') === true)
      caused.set(key, [...(caused.get(key) ?? []), `${event.type} of ${event.data.object.id}`]);
  }
  for (const [key, events] of caused) {
    if (events.length > 1)
      found.push(violation('I9', `key ${key} changed Stripe ${events.length} times: ${events.join(', ')}`));
  }
  return found;
};

/** I10 and I14: nothing waits, and nothing waits unseen. */
export const nothingWaits: Rule = (seen) => {
  const found: Violation[] = [];
  for (const row of seen.queue) found.push(violation('I10', `still in the queue: ${JSON.stringify(row)}`));
  for (const row of seen.openIntents)
    found.push(violation('I14', `an intent is still open: ${JSON.stringify(row)}`));
  for (const row of seen.connections) {
    if (row['paused_at'] !== null || row['down_since'] !== null)
      found.push(violation('I14', `connection ${JSON.stringify(row)}`));
  }
  for (const link of seen.links) {
    const where = `link ${link.id} of ${link.record_id} (${link.state}, ${link.remote_id ?? 'no object'})`;
    if (isParked(link) && typeof link.reason?.code !== 'string')
      found.push(violation('I14', `${where} is parked without a reason`));
    if (LIVE_STATES.has(link.state) && !['in_sync', 'parked'].includes(link.outcome)) {
      found.push(violation('I14', `${where} is ${link.outcome}: ${JSON.stringify(link.reason)}`));
    }
  }
  return found;
};

/** I11, the half that can be told from here: every event that Stripe lists stands in the inbox. */
export const everyEventHeard: Rule = (seen) =>
  seen.events
    .filter(({ id }) => !seen.storedEvents.has(id))
    .map(({ id, type, data }) =>
      violation('I11', `${type} ${id} of ${data.object.id} is listed there and was never heard`),
    );

/** I18: each change on a record's timeline begins with what the one before left, and the last one left what stands. */
export const timelineReplays: Rule = (seen) => {
  const found: Violation[] = [];
  const state = new Map<string, Map<string, unknown>>();
  const cut = shortened(seen);
  for (const { record_id: id, kind, changes, detail } of seen.timeline) {
    if (kind !== 'change') continue;
    const fields = state.get(id) ?? new Map<string, unknown>();
    for (const field of FIELD_NAMES) {
      const change = changes[field];
      if (change === undefined) continue;
      const before = fields.get(field) ?? null;
      const isFirst = !fields.has(field) && cut.has(id);
      if (!isFirst && before !== (change[0] ?? null))
        found.push(
          violation(
            'I18',
            `${field} of ${id}: a ${String(detail['does'])} begins with ${JSON.stringify(change[0])}, before it stood ${JSON.stringify(before)}`,
          ),
        );
      fields.set(field, change[1]);
    }
    state.set(id, fields);
  }
  for (const local of seen.customers) {
    for (const field of FIELD_NAMES) {
      if (cut.has(local.id) && state.get(local.id)?.has(field) !== true) continue;
      const told = state.get(local.id)?.get(field) ?? null;
      if (told !== local[field])
        found.push(
          violation(
            'I18',
            `${field} of ${local.id}: the timeline ends with ${JSON.stringify(told)}, ${JSON.stringify(local[field])} stands`,
          ),
        );
    }
  }
  return found;
};
