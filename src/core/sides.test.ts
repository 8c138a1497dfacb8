import { describeLocal } from './sides';
import type { LinkView, LocalRecord } from './sides';

const FIELDS = { name: 'Ann' };
const LIVE: LocalRecord = { kind: 'live', fields: FIELDS, version: 3 };
const FIRST: LinkView = { generation: 1, ending: false, hasBase: false, hasObject: false };
const AGREED: LinkView = { ...FIRST, hasBase: true, hasObject: true };

describe('what stands here, in the words of the decision table', () => {
  test('no row and no tombstone: a reserved record id', () => {
    expect(describeLocal({ kind: 'absent' }, FIRST)).toEqual({ kind: 'none' });
  });
  test('a row without a base was created here', () => {
    expect(describeLocal(LIVE, FIRST)).toEqual({ kind: 'created', fields: FIELDS, version: 3 });
  });
  test('a row with a base may have been edited', () => {
    expect(describeLocal(LIVE, AGREED).kind).toBe('edited');
  });
  test('a tombstone is deleted, whatever the link is at', () => {
    const tombstone: LocalRecord = { kind: 'tombstone', fields: FIELDS, version: 4 };
    for (const link of [FIRST, AGREED, { ...AGREED, ending: true }, { ...FIRST, generation: 2 }]) {
      expect(describeLocal(tombstone, link)).toEqual({ kind: 'deleted', fields: FIELDS, version: 4 });
    }
  });
  test('a row on a link that is ending was restored', () => {
    expect(describeLocal(LIVE, { ...AGREED, ending: true }).kind).toBe('restored');
  });
  test('I6: a row of a later generation without a base was restored', () => {
    expect(describeLocal(LIVE, { ...FIRST, generation: 2 }).kind).toBe('restored');
  });
  test("failure 60: a row of a later generation whose object was found is that object's own: its deletion is the later word", () => {
    expect(describeLocal(LIVE, { ...FIRST, generation: 2, hasObject: true }).kind).toBe('created');
  });
  test('a row of a later generation with a base is like any other', () => {
    expect(describeLocal(LIVE, { ...AGREED, generation: 2 }).kind).toBe('edited');
  });
});
