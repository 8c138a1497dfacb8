import { beginLook, benches, CUSTOMER, newId, openLink, remoteId, STRIPE } from './store-for-tests';

const bench = benches();
let remotes = 0;
const nextRemote = () => remoteId(`cus_${(remotes += 1)}`);
const links = () => bench().store.links;
const born = (id: ReturnType<typeof remoteId>, deleted = false) =>
  links().reserveForRemote({ connection: STRIPE, catalog: CUSTOMER, remoteId: id, deleted });

describe('failure 54: fences', () => {
  test('[!] an attempt of an older look takes no fence', async () => {
    const { link, lookId } = await openLink(bench());
    const newer = await beginLook(bench(), link);
    expect(newer).not.toBe(lookId);
    expect(await links().takeFence(link.id, lookId)).toBeNull();
    expect(await links().takeFence(link.id, newer)).not.toBeNull();
  });

  test('[!] a stalled attempt of the same look cannot write after a newer attempt took the fence', async () => {
    const { link, lookId } = await openLink(bench());
    const newer = (await links().takeFence(link.id, lookId))!;
    expect(newer.fence).not.toBe(link.fence);
    expect(await links().writeFenced(link.id, link.fence, { outcome: 'parked' })).toBe(false);
    expect(await links().lockFenced(link.id, link.fence)).toBeNull();
    expect(await links().writeFenced(link.id, newer.fence, { outcome: 'in_sync' })).toBe(true);
    expect((await links().lockFenced(link.id, newer.fence))!.outcome).toBe('in_sync');
  });

  test('a new look alone shuts out the attempts of the old one, before any of its own began', async () => {
    const { link } = await openLink(bench());
    await beginLook(bench(), link);
    expect(await links().writeFenced(link.id, link.fence, { outcome: 'parked' })).toBe(false);
  });

  test('a look that is over marks nothing as unfinished', async () => {
    const { link, lookId } = await openLink(bench());
    await beginLook(bench(), link);
    const reason = { code: 'unavailable', field: null, detail: null } as const;
    expect(await links().markUnfinished(link.id, lookId, { outcome: 'waiting', reason })).toBe(0);
  });
});

describe('I2: one to one', () => {
  test('one live link per record and connection', async () => {
    const id = await newId(bench());
    const owner = { connection: STRIPE, catalog: CUSTOMER, recordId: id };
    const made = await Promise.all(Array.from({ length: 10 }, () => links().reserveForRecord(owner, 1)));
    expect(new Set(made.map((link) => link.id)).size).toBe(1);
    expect((await links().reserveForRecord(owner, 2)).generation).toBe(1);
  });

  test('a retired link makes room for the next generation', async () => {
    const { link } = await openLink(bench());
    await links().writeFenced(link.id, link.fence, { state: 'retired', remoteId: nextRemote() });
    const next = await links().reserveForRecord(link, 2);
    expect(next).toMatchObject({ generation: 2, state: 'reserved', remoteId: null });
    expect(await links().newestOfRecord(CUSTOMER, link.recordId)).toMatchObject([{ id: next.id }]);
  });

  test('failure 13: ten events about one unknown object at once reserve one record id', async () => {
    const id = nextRemote();
    const made = await Promise.all(Array.from({ length: 10 }, () => born(id)));
    expect(new Set(made.map((link) => link.recordId)).size).toBe(1);
    expect(made[0]).toMatchObject({ state: 'reserved', born: 'remote', remoteId: id });
  });

  test('a remote id belongs to one record for ever, also after it was retired', async () => {
    const { link } = await openLink(bench());
    const id = nextRemote();
    await links().writeFenced(link.id, link.fence, { state: 'retired', remoteId: id });
    expect(await born(id)).toMatchObject({ recordId: link.recordId, state: 'retired' });
    const other = await openLink(bench());
    await expect(
      links().writeFenced(other.link.id, other.link.fence, { remoteId: id }),
    ).rejects.toMatchObject({
      code: '23505',
      constraint: 'links_remote',
    });
  });

  test('a linked record has a remote id', async () => {
    const { link } = await openLink(bench());
    await expect(links().writeFenced(link.id, link.fence, { state: 'linked' })).rejects.toMatchObject({
      code: '23514',
    });
  });

  test('an object that was gone before we heard of it is only remembered', async () => {
    expect(await born(nextRemote(), true)).toMatchObject({
      state: 'void',
      outcome: 'deleted',
      remoteDeleted: true,
    });
  });
});

describe('reservations', () => {
  test('are let go while nothing was made of them', async () => {
    const id = nextRemote();
    await born(id);
    expect(await links().releaseReservation(STRIPE, CUSTOMER, id)).toBe(true);
    expect(await links().findByRemote(STRIPE, CUSTOMER, id)).toBeNull();
  });

  test('are kept once a record stands here', async () => {
    const id = nextRemote();
    const reserved = await born(id);
    const lookId = await beginLook(bench(), reserved);
    const { fence } = (await links().takeFence(reserved.id, lookId))!;
    await links().writeFenced(reserved.id, fence, { state: 'linked' });
    expect(await links().releaseReservation(STRIPE, CUSTOMER, id)).toBe(false);
  });
});

describe('what a link remembers', () => {
  const since = (linkId: number) =>
    bench().value<Date | null>('select reason_since from counterpart.links where id = $1', [linkId]);

  test("a reason's clock starts when its code first appears, runs on while it stays, and ends with it", async () => {
    const { link } = await openLink(bench());
    const because = (code: 'rejected' | 'conflict') => ({ code, field: null, detail: null });
    const park = (code: 'rejected' | 'conflict') =>
      links().writeFenced(link.id, link.fence, { outcome: 'parked', reason: because(code) });
    await park('rejected');
    const first = await since(link.id);
    expect(first).not.toBeNull();
    await park('rejected');
    expect(await since(link.id)).toEqual(first);
    await park('conflict');
    expect((await since(link.id))!.getTime()).toBeGreaterThan(first!.getTime());
    await links().writeFenced(link.id, link.fence, { outcome: 'in_sync', reason: null });
    expect(await since(link.id)).toBeNull();
    expect(await bench().value('select reason from counterpart.links where id = $1', [link.id])).toBeNull();
  });

  test('a base with any JSON value comes back as it was', async () => {
    const { link } = await openLink(bench());
    const base = {
      name: { ours: 'Ann "O\'Hara" \\ \u{1f600}', theirs: null },
      email: { ours: '', theirs: 'a@b' },
    };
    await links().writeFenced(link.id, link.fence, { base });
    expect((await links().lockFenced(link.id, link.fence))!.base).toEqual(base);
  });

  test('failure 60: a cut-off object that is gone cannot be taken up again', async () => {
    const { link } = await openLink(bench());
    await links().writeFenced(link.id, link.fence, {
      state: 'retired',
      remoteId: nextRemote(),
      detached: true,
    });
    await links().proveRemoteDeletion(link.id);
    expect(await links().newestOfRecord(CUSTOMER, link.recordId)).toMatchObject([
      { detached: false, remoteDeleted: true },
    ]);
    await links().reattach(link.id);
    expect(await links().newestOfRecord(CUSTOMER, link.recordId)).toMatchObject([{ state: 'retired' }]);
  });

  test('waits are counted until a look ends well', async () => {
    const { link, lookId } = await openLink(bench());
    const unfinished = {
      outcome: 'waiting',
      reason: { code: 'unavailable', field: null, detail: null },
    } as const;
    expect(await links().markUnfinished(link.id, lookId, unfinished)).toBe(1);
    expect(await links().markUnfinished(link.id, lookId, unfinished)).toBe(2);
    await links().writeFenced(link.id, link.fence, { waits: 0 });
    expect(await links().markUnfinished(link.id, lookId, unfinished)).toBe(1);
  });
});
