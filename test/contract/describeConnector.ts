/**
 * What every connector promises, told as stories; run on each implementation with its own harness.
 * May touch: the port and src/core. Knows no system: the person at the other side's own page is played by the harness.
 */
import { randomUUID } from 'node:crypto';
import { answered, failed, Stage, surfaced } from './stage';
import { keyPrefix, markName } from '../../src/connectors/connector';
import { parseRecordId, parseRemoteId, trusted } from '../../src/core/ids';
import type { Harness } from './stage';
import type { Connector, ObjectPage, RemoteEvent, RemoteObject } from '../../src/connectors/connector';
import type { RemoteId } from '../../src/core/ids';

/** More than one page, so that paging is real. */
const MANY = 7;
const PAGE = 3;

/** @param has `events`: false for a system without an event list; the connector must then say so. */
export function describeConnector(
  name: string,
  makeHarness: () => Promise<Harness>,
  has: { readonly events: boolean } = { events: true },
): void {
  describe(`the contract of a connector, kept by ${name}`, () => {
    let it: Harness;
    beforeAll(async () => {
      it = await makeHarness();
    });
    afterAll(() => it.stop());

    const stage = (): Stage => new Stage(it);
    describe('objects', () => tellObjects(stage));
    describe('lists', () => tellLists(stage));
    describe('ambiguous creates', () => tellSearches(stage));
    describe('failures', () => tellFailures(stage));
    test(has.events ? 'has an event list' : 'says that there is no event list', () => {
      expect(it.connector.listEvents !== null).toBe(has.events);
    });
    if (has.events) describe('events', () => tellEvents(stage));

    test('says whose credentials these are', async () => {
      expect(answered(await it.connector.identify())).toEqual(it.identity);
    });

    test('a delivery without a signature is forged, and nothing throws', () => {
      for (const body of ['', '{}', '{"id":"evt_1","object":"event"}', '\u0000']) {
        expect(it.connector.receive(Buffer.from(body), {}, Date.now())).toEqual({ kind: 'forged' });
      }
    });
  });
}

function tellObjects(stage: () => Stage): void {
  test('what was created is read back, with our mark', async () => {
    const it = stage();
    const made = await it.made('Ada', 'ada@example.com');
    expect(made).toEqual({
      remoteId: made.remoteId,
      fields: it.values('Ada', 'ada@example.com'),
      claims: it.record,
    });
    expect(await it.present(made.remoteId)).toEqual(made);
  });

  test('text of any script comes back as it went', async () => {
    const it = stage();
    const name = 'Ñandú & Söhne + "Ελένη" 100% [家] 👩‍👩‍👧';
    expect((await it.made(name, null)).fields).toEqual(it.values(name, null));
  });

  test('an object without values is created and read', async () => {
    const it = stage();
    const { remoteId } = await it.made(null, null);
    expect((await it.present(remoteId)).fields).toEqual(it.values(null, null));
  });

  test('an object that somebody added without values is read', async () => {
    const it = stage();
    const remoteId = await it.harness.remote.createBare({});
    expect(await it.present(remoteId)).toEqual({ remoteId, fields: it.values(null, null), claims: null });
  });

  test('the same key creates once: the second answer is the first one, replayed', async () => {
    const it = stage();
    const key = it.key();
    const values = it.values('Ada', 'ada@example.com');
    const first = await it.catalog.create(values, it.record, key);
    const second = await it.catalog.create(values, it.record, key);
    expect(answered(second)).toEqual(answered(first));
    expect([first, second]).toMatchObject([{ replayed: false }, { replayed: true }]);
  });

  test('one field updated here while the other is edited there: both survive', async () => {
    const it = stage();
    const { remoteId } = await it.made('Ada', 'ada@example.com');
    await it.harness.remote.edit(remoteId, { [it.second]: 'countess@example.com' });
    const updated = answered(await it.catalog.update(remoteId, { [it.first]: 'Ada Lovelace' }, it.key()));
    expect(updated.fields).toEqual(it.values('Ada Lovelace', 'countess@example.com'));
    expect(updated.claims).toBe(it.record);
    expect(await it.present(remoteId)).toEqual(updated);
  });

  test('null clears a field, and that field only', async () => {
    const it = stage();
    const { remoteId } = await it.made('Ada', 'ada@example.com');
    const updated = answered(await it.catalog.update(remoteId, { [it.first]: null }, it.key()));
    expect(updated.fields).toEqual(it.values(null, 'ada@example.com'));
    expect((await it.present(remoteId)).fields).toEqual(updated.fields);
  });

  test('the same key updates once: a later edit there is not undone by a repeat', async () => {
    const it = stage();
    const { remoteId } = await it.made('Ada', null);
    const key = it.key();
    answered(await it.catalog.update(remoteId, { [it.first]: 'Ada L.' }, key));
    await it.harness.remote.edit(remoteId, { [it.first]: 'Countess' });
    expect(await it.catalog.update(remoteId, { [it.first]: 'Ada L.' }, key)).toMatchObject({
      replayed: true,
    });
    expect((await it.present(remoteId)).fields).toEqual(it.values('Countess', null));
  });

  test('what was removed says so when it is read; removing it again is gone', async () => {
    const it = stage();
    const { remoteId } = await it.made('Ada', null);
    expect(answered(await it.catalog.remove(remoteId))).toBeNull();
    expect(answered(await it.catalog.read(remoteId))).toEqual({ kind: 'deleted' });
    expect(failed(await it.catalog.remove(remoteId))).toMatchObject({ kind: 'gone', definite: true });
  });

  test('what somebody deleted there says so when it is read', async () => {
    const it = stage();
    const { remoteId } = await it.made('Ada', null);
    await it.harness.remote.delete(remoteId);
    expect(answered(await it.catalog.read(remoteId))).toEqual({ kind: 'deleted' });
  });

  test('the mark of another installation claims nothing here', async () => {
    const it = stage();
    const marks = { [markName('ffffffffffffffff')]: it.record };
    expect((await it.present(await it.harness.remote.createBare({}, marks))).claims).toBeNull();
  });

  test('our mark with something in it that is no record claims nothing', async () => {
    const it = stage();
    const marks = { [markName(it.harness.installation)]: 'not a record' };
    expect((await it.present(await it.harness.remote.createBare({}, marks))).claims).toBeNull();
  });

  test('our mark that was copied to another object is told: the look decides what it means', async () => {
    const it = stage();
    const marks = { [markName(it.harness.installation)]: it.record };
    expect((await it.present(await it.harness.remote.createBare({}, marks))).claims).toBe(it.record);
  });
}

/** Every living object in the system, page by page. */
async function listed(it: Stage, limit: number): Promise<RemoteObject[]> {
  const seen: RemoteObject[] = [];
  for (let after: string | null = null, first = true; first || after !== null; first = false) {
    const page: ObjectPage = answered(await it.catalog.list({ after, limit }));
    expect(page.objects.length).toBeLessThanOrEqual(limit);
    seen.push(...page.objects);
    after = page.next;
  }
  return seen;
}

function tellLists(stage: () => Stage): void {
  test('everything that stands is listed once, newest first, with its fields and our mark', async () => {
    const it = stage();
    const made: RemoteObject[] = [];
    for (let count = 0; count < MANY; count++) made.push(await it.made(`Number ${count}`, null));
    const bare = await it.harness.remote.createBare(it.values('Somebody', null));
    const gone = await it.made('Gone', null);
    await it.harness.remote.delete(gone.remoteId);
    const seen = await listed(it, PAGE);
    expect(new Set(seen.map(({ remoteId }) => remoteId)).size).toBe(seen.length);
    expect(seen[0]).toEqual({ remoteId: bare, fields: it.values('Somebody', null), claims: null });
    expect(seen.slice(1, MANY + 1)).toEqual(made.toReversed());
    expect(seen.map(({ remoteId }) => remoteId)).not.toContain(gone.remoteId);
  });

  test('who has an e-mail is found by it, made by us or by somebody; the deleted and all others are not', async () => {
    const it = stage();
    const email = `${randomUUID()}@example.com`;
    const made = await it.made('Ours', email);
    const bare = await it.harness.remote.createBare(it.values('Theirs', email));
    await it.made('Another', `x${email}`);
    await it.harness.remote.delete((await it.made('Gone', email)).remoteId);
    const { findAlike } = it.catalog;
    if (findAlike === undefined) throw new Error('This connector cannot be asked');
    const found = answered(await findAlike(email));
    expect(found.toSorted((a) => (a.claims === null ? 1 : -1))).toEqual([
      made,
      { remoteId: bare, fields: it.values('Theirs', email), claims: null },
    ]);
  });

  test('a place in the list outlives what is made and deleted meanwhile', async () => {
    const it = stage();
    const [oldest, middle, newest] = [
      await it.made('Oldest', null),
      await it.made('Middle', null),
      await it.made('Newest', null),
    ];
    const first = answered(await it.catalog.list({ after: null, limit: 1 }));
    expect(first.objects.map(({ remoteId }) => remoteId)).toEqual([newest.remoteId]);
    await it.made('Made meanwhile', null);
    await it.harness.remote.delete(newest.remoteId);
    const second = answered(await it.catalog.list({ after: first.next, limit: 2 }));
    const next = second.objects.map(({ remoteId }) => remoteId);
    expect(next).toContain(middle.remoteId);
    expect(next.every((id) => [middle.remoteId, oldest.remoteId].includes(id))).toBe(true);
  });
}

function tellSearches(stage: () => Stage): void {
  test('a create whose answer was lost is found by its key', async () => {
    const it = stage();
    const key = it.key();
    const { remoteId } = answered(await it.catalog.create(it.values('Ada', null), it.record, key));
    expect(answered(await it.search(key))).toMatchObject({ kind: 'found', remoteId });
  });

  test('what was made hours after the create was sent last is another: the search does not grow with time', async () => {
    const it = stage();
    const key = it.key();
    answered(await it.catalog.create(it.values('Ada', null), it.record, key));
    const days = 24 * 3600;
    const search = { key, recordId: it.record, since: it.began - 2 * days, until: it.began - days };
    expect(answered(await it.catalog.findCreated(search))).toEqual({ kind: 'absent' });
  });

  test('it is found although a copy with the same mark was made after it', async () => {
    const it = stage();
    const key = it.key();
    const { remoteId } = answered(await it.catalog.create(it.values('Ada', null), it.record, key));
    await it.harness.remote.createBare({}, { [markName(it.harness.installation)]: it.record });
    expect(answered(await it.search(key))).toMatchObject({ kind: 'found', remoteId });
  });

  test('an object that bears the mark and tells of no key is found by its mark', async () => {
    const it = stage();
    const marks = { [markName(it.harness.installation)]: it.record };
    const remoteId = await it.harness.remote.createBare({}, marks);
    expect(answered(await it.search(it.key()))).toMatchObject({ kind: 'found', remoteId });
  });

  test('what an earlier generation of the record made is not what is looked for', async () => {
    const it = stage();
    const earlier = await it.made('Ada', null);
    const search = {
      key: it.key(),
      recordId: it.record,
      since: it.began,
      until: it.began,
      others: [earlier.remoteId],
    };
    expect(answered(await it.catalog.findCreated(search))).toEqual({ kind: 'absent' });
    const { remoteId } = answered(await it.catalog.create(it.values('Ada', null), it.record, search.key));
    expect(answered(await it.catalog.findCreated(search))).toMatchObject({ kind: 'found', remoteId });
  });

  test('a create that never arrived is absent, whoever else was created meanwhile', async () => {
    const it = stage();
    await it.harness.remote.createBare(it.values('Ada', 'ada@example.com'));
    await it.harness.remote.createBare({}, { [markName('ffffffffffffffff')]: it.record });
    const other = trusted(parseRecordId(randomUUID()), 'record id');
    answered(await it.catalog.create(it.values('Ada', 'ada@example.com'), other, it.key()));
    expect(answered(await it.search(it.key()))).toEqual({ kind: 'absent' });
  });
}

function tellFailures(stage: () => Stage): void {
  const unknown = trusted(parseRemoteId('cus_never00000000'), 'remote id');

  test('an id that never was is gone, which is not deleted', async () => {
    const it = stage();
    expect(failed(await it.catalog.read(unknown))).toMatchObject({ kind: 'gone' });
    const update = failed(await it.catalog.update(unknown, { [it.first]: 'Ada' }, it.key()));
    expect(update).toMatchObject({ kind: 'gone', definite: true });
    expect(failed(await it.catalog.remove(unknown))).toMatchObject({ kind: 'gone', definite: true });
  });

  test('an update of what was deleted there is gone', async () => {
    const it = stage();
    const { remoteId } = await it.made('Ada', null);
    await it.harness.remote.delete(remoteId);
    const update = failed(await it.catalog.update(remoteId, { [it.first]: 'Ada' }, it.key()));
    expect(update).toMatchObject({ kind: 'gone', definite: true });
  });

  test('I16: refused data is a definite refusal that quotes no personal value, and nothing was created', async () => {
    const it = stage();
    const key = it.key();
    const { values, canary } = it.harness.refused;
    const refusal = failed(await it.catalog.create(values, it.record, key));
    expect(refusal).toMatchObject({ kind: 'rejected', definite: true });
    expect(JSON.stringify(refusal).toLowerCase()).not.toContain(canary.toLowerCase());
    expect(answered(await it.search(key))).toEqual({ kind: 'absent' });
  });

  test('a key repeated with other params is our mistake, and changes nothing', async () => {
    const it = stage();
    const { remoteId } = await it.made('Ada', null);
    const key = it.key();
    answered(await it.catalog.update(remoteId, { [it.first]: 'Grace' }, key));
    const reuse = failed(await it.catalog.update(remoteId, { [it.first]: 'Hedy' }, key));
    expect(reuse).toMatchObject({ kind: 'bug', definite: true });
    expect((await it.present(remoteId)).fields).toEqual(it.values('Grace', null));
  });
}

/** The events about one object, newest first, once there are `count` of them. */
function eventsOf(it: Stage, remoteId: RemoteId, count: number): Promise<RemoteEvent[]> {
  return surfaced(async () => {
    const { events } = answered(await list(it, null, 100));
    const about = events.filter((event) => event.subject?.remoteId === remoteId);
    return about.length >= count ? about : undefined;
  });
}

function tellEvents(stage: () => Stage): void {
  test('our own changes name our key; what somebody did does not', async () => {
    const it = stage();
    const prefix = keyPrefix(it.harness.installation, it.harness.connector.connection);
    const { remoteId } = await it.made('Ada', 'ada@example.com');
    const key = it.key();
    answered(await it.catalog.update(remoteId, { [it.first]: 'Ada L.' }, key));
    await it.harness.remote.edit(remoteId, { [it.second]: null });
    await it.harness.remote.delete(remoteId);
    const [deleted, edited, updated, created] = await eventsOf(it, remoteId, 4);
    const subject = { catalog: it.harness.catalog, remoteId, claims: it.record };
    expect(created).toMatchObject({ subject: { ...subject, change: 'created', previous: null } });
    expect(created?.causedByKey?.startsWith(prefix)).toBe(true);
    expect(updated).toMatchObject({
      causedByKey: key,
      subject: {
        ...subject,
        change: 'updated',
        previous: { [it.first]: 'Ada' },
        fields: it.values('Ada L.', 'ada@example.com'),
      },
    });
    expect(edited?.subject).toMatchObject({
      change: 'updated',
      previous: { [it.second]: 'ada@example.com' },
      fields: it.values('Ada L.', null),
    });
    expect(edited?.causedByKey?.startsWith(prefix) ?? false).toBe(false);
    expect(deleted?.subject).toMatchObject({ ...subject, change: 'deleted', previous: null });
    const live = it.harness.identity.mode === 'live';
    expect(new Set([deleted, edited, updated, created].map((event) => event?.live))).toEqual(new Set([live]));
  });

  test('paging back shows every event once, newest first', async () => {
    const it = stage();
    const made: RemoteId[] = [];
    for (let count = 0; count < MANY; count++) made.push((await it.made(`Number ${count}`, null)).remoteId);
    await eventsOf(it, made.at(-1)!, 1);
    const seen: RemoteEvent[] = [];
    for (let before: string | null = null, hasMore = true; hasMore; before = seen.at(-1)!.id) {
      const page = answered(await list(it, before, PAGE));
      expect(page.events.length).toBeLessThanOrEqual(PAGE);
      seen.push(...page.events);
      hasMore = page.hasMore && !made.every((id) => seen.some((event) => event.subject?.remoteId === id));
    }
    expect(new Set(seen.map((event) => event.id)).size).toBe(seen.length);
    const ours = seen
      .map((event) => event.subject?.remoteId)
      .filter((id) => id !== undefined && made.includes(id));
    expect(ours).toEqual(made.toReversed());
  });
}

function list(
  it: Stage,
  before: string | null,
  limit: number,
): ReturnType<NonNullable<Connector['listEvents']>> {
  const { listEvents } = it.harness.connector;
  if (listEvents === null) throw new Error('The connector has no event list');
  return listEvents({ before, limit });
}
