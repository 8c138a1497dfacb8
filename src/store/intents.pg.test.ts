import { randomUUID } from 'node:crypto';
import { benches, CUSTOMER, openLink, STRIPE } from './store-for-tests';
import { KEY_LIFE_HOURS } from './intents';
import type { IntentKind } from './intents';
import type { Link } from './links';

const bench = benches();
const intents = () => bench().store.intents;

async function write(link: Link, kind: IntentKind = 'create'): Promise<string> {
  const key = `cp_test_stripe_${randomUUID()}`;
  const values = { name: 'Ann', email: 'ann@example.com' };
  await intents().openIntent({ key, linkId: link.id, kind, values, replaces: { name: 'print' }, version: 3 });
  return key;
}

const sentHoursAgo = (key: string, hours: number) =>
  bench().database.query(
    `update counterpart.intents set first_sent_at = now() - $2 * interval '1 hour' where key = $1`,
    [key, hours],
  );

describe('I9: one mutation per intent', () => {
  test('at most one is open per link, however many looks try', async () => {
    const { link } = await openLink(bench());
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => write(link)));
    expect(tries.filter((tried) => tried.status === 'fulfilled')).toHaveLength(1);
    for (const tried of tries) {
      if (tried.status === 'rejected') expect(tried.reason).toMatchObject({ constraint: 'intents_open' });
    }
  });

  test('once it has ended the next may be written', async () => {
    const { link } = await openLink(bench());
    await intents().endIntent(await write(link), 'refused', 'req_1');
    const key = await write(link);
    expect(await intents().findOpen(link.id)).toMatchObject({ key });
  });

  test('a key is never written twice, on any link', async () => {
    const [one, two] = [await openLink(bench()), await openLink(bench())];
    const key = await write(one.link);
    const again = { key, linkId: two.link.id, kind: 'create', values: {}, replaces: {}, version: 1 } as const;
    await expect(intents().openIntent(again)).rejects.toMatchObject({ code: '23505' });
  });

  test('it is read back as it was written: the same key always carries the same params', async () => {
    const { link } = await openLink(bench());
    const key = await write(link);
    for (let read = 0; read < 2; read += 1) {
      expect(await intents().findOpen(link.id)).toMatchObject({
        key,
        values: { name: 'Ann', email: 'ann@example.com' },
        version: 3,
      });
      await intents().markSent(key, link.fence);
    }
  });
});

describe('sent', () => {
  test('under the fence only: an older attempt sends nothing', async () => {
    const { link, lookId } = await openLink(bench());
    const key = await write(link);
    expect(await intents().findOpen(link.id)).toMatchObject({
      firstSentAt: null,
      sends: 0,
      keyExpired: false,
    });
    expect(await intents().markSent(key, link.fence)).toBe(true);
    const newer = (await bench().store.links.takeFence(link.id, lookId))!;
    expect(await intents().markSent(key, link.fence)).toBe(false);
    expect(await intents().markSent(key, newer.fence)).toBe(true);
    expect(await intents().findOpen(link.id)).toMatchObject({ sends: 2, firstSentAt: expect.any(Number) });
  });

  test('failure 3: it is remembered when it was sent first, and when last', async () => {
    const { link } = await openLink(bench());
    const key = await write(link);
    expect(await intents().findOpen(link.id)).toMatchObject({ firstSentAt: null, lastSentAt: null });
    expect(await intents().markSent(key, link.fence)).toBe(true);
    await sentHoursAgo(key, 2);
    expect(await intents().markSent(key, link.fence)).toBe(true);
    const { firstSentAt, lastSentAt } = (await intents().findOpen(link.id))!;
    expect(lastSentAt! - firstSentAt!).toBeGreaterThanOrEqual(2 * 3600 - 1);
  });

  test('failure 3: how far a search has come is kept under the fence, until it came to its end', async () => {
    const { link, lookId } = await openLink(bench());
    const key = await write(link);
    expect(await intents().noteTracePlace(key, link.fence, 'page 7')).toBe(true);
    const newer = (await bench().store.links.takeFence(link.id, lookId))!;
    expect(await intents().noteTracePlace(key, link.fence, 'page 8')).toBe(false);
    expect(await intents().findOpen(link.id)).toMatchObject({ tracePlace: 'page 7', sought: true });
    expect(await intents().noteAbsence(key, newer.fence)).toBe(false);
    expect(await intents().findOpen(link.id)).toMatchObject({ tracePlace: null, sought: true });
  });

  test('an intent that ended is sent no more', async () => {
    const { link } = await openLink(bench());
    const key = await write(link);
    await intents().endIntent(key, 'done', 'req_1');
    expect(await intents().markSent(key, link.fence)).toBe(false);
  });

  test('failures 3 and 48: the age of a key is told by Postgres, from its first send on', async () => {
    const { link } = await openLink(bench());
    const key = await write(link);
    await sentHoursAgo(key, KEY_LIFE_HOURS - 0.1);
    expect(await intents().findOpen(link.id)).toMatchObject({ keyExpired: false });
    await sentHoursAgo(key, KEY_LIFE_HOURS + 0.1);
    // I17: not even by an attempt that read it while it was young
    expect(await intents().markSent(key, link.fence)).toBe(false);
    const expired = (await intents().findOpen(link.id))!;
    expect(expired.keyExpired).toBe(true);
    const now = await bench().value<number>('select extract(epoch from now())::float8');
    expect(now - expired.firstSentAt!).toBeGreaterThan(KEY_LIFE_HOURS * 3600);
  });

  test('an intent that was never sent does not grow old', async () => {
    const { link } = await openLink(bench());
    const key = await write(link);
    await bench().database.query(
      `update counterpart.intents set created_at = now() - interval '9 days' where key = $1`,
      [key],
    );
    expect(await intents().findOpen(link.id)).toMatchObject({ keyExpired: false });
  });
});

describe('ended', () => {
  test('I16: its values are emptied; how it ended and which fingerprints it replaced stay', async () => {
    const { link } = await openLink(bench());
    const key = await write(link, 'update');
    await intents().endIntent(key, 'done', 'req_1');
    const { rows } = await bench().database.query(
      'select values, ending, request_id from counterpart.intents where key = $1',
      [key],
    );
    expect(rows).toEqual([{ values: null, ending: 'done', request_id: 'req_1' }]);
    expect(await intents().findByKey(key)).toEqual({
      linkId: link.id,
      recordId: link.recordId,
      kind: 'update',
      replaces: { name: 'print' },
    });
  });

  test('once: a later ending changes nothing', async () => {
    const { link } = await openLink(bench());
    const key = await write(link);
    await intents().endIntent(key, 'done', 'req_1');
    await intents().endIntent(key, 'refused', 'req_2');
    expect(await bench().value('select ending from counterpart.intents where key = $1', [key])).toBe('done');
  });

  test('failure 51: a key that is not in our books is told as unknown', async () => {
    expect(await intents().findByKey('cp_other_stripe_1')).toBeNull();
  });
});

test('only an open create may name the owner of a mark', async () => {
  const { link } = await openLink(bench());
  const open = () => intents().hasOpenCreate(STRIPE, CUSTOMER, link.recordId);
  expect(await open()).toBe(false);
  const key = await write(link);
  expect(await open()).toBe(true);
  await intents().endIntent(key, 'done', null);
  expect(await open()).toBe(false);
  await write(link, 'update');
  expect(await open()).toBe(false);
});
