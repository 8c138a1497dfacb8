import { removeExpired } from './housekeeping';
import { benches, openLink, STRIPE } from './store-for-tests';

const bench = benches();

/** Makes one event, one ended and one open intent, and one idempotency key, as old as this. */
async function remember(age: { days: number; hours: number }): Promise<void> {
  const { database, store } = bench();
  const { link } = await openLink(bench());
  for (const key of [`ended_${link.id}`, `open_${link.id}`]) {
    const intent = { key, linkId: link.id, kind: 'delete', values: {}, replaces: {}, version: 1 } as const;
    await store.intents.openIntent(intent);
    if (key.startsWith('ended')) await store.intents.endIntent(key, 'done', null);
  }
  await database.query(
    `update counterpart.intents set created_at = now() - $2 * interval '1 day', ended_at = ended_at - $2 * interval '1 day'
     where link_id = $1`,
    [link.id, age.days],
  );
  await database.query(
    `insert into counterpart.events (connection, id, type, created_at, received_at, source, result)
     values ($1, $2, 'customer.updated', now(), now() - $3 * interval '1 day', 'poll', 'ignored')`,
    [STRIPE, `evt_${link.id}`, age.days],
  );
  await database.query(
    `insert into counterpart.idempotency_keys (key, caller, request_hash, created_at)
     values ($1, '', '', now() - $2 * interval '1 hour')`,
    [`key_${link.id}`, age.hours],
  );
}

async function remembered() {
  const count = (what: string) => bench().value<number>(`select count(*) from counterpart.${what}`);
  return {
    events: await count('events'),
    ended: await count('intents where ended_at is not null'),
    open: await count('intents where ended_at is null'),
    keys: await count('idempotency_keys'),
    links: await count('links'),
  };
}

test('events and ended intents go after 35 days, idempotency keys after 24 hours; open intents and links stay', async () => {
  await remember({ days: 34, hours: 23 });
  await remember({ days: 36, hours: 25 });
  expect(await removeExpired(bench().database)).toBe(3);
  expect(await remembered()).toEqual({ events: 1, ended: 1, open: 2, keys: 1, links: 2 });
  expect(await removeExpired(bench().database)).toBe(0);
});
