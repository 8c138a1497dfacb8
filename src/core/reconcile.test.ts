import { DECISION_TABLE } from './decisionTable';
import { reconcile } from './reconcile';
import { agreed, policyOf } from './sides-for-tests';
import type { Step } from './reconcile';
import type { Local, LocalKind, Remote, RemoteKind } from './sides';

const OLD = { name: 'Ann', email: 'ann@example.com' };
const OURS = { ...OLD, name: 'Anna' };
const THEIRS = { ...OLD, email: 'new@example.com' };
const POLICY = policyOf('local');

const LOCAL: Record<LocalKind, Local> = {
  none: { kind: 'none' },
  created: { kind: 'created', fields: OURS, version: 2 },
  edited: { kind: 'edited', fields: OURS, version: 2 },
  deleted: { kind: 'deleted', fields: OURS, version: 2 },
  restored: { kind: 'restored', fields: OURS, version: 2 },
};

const REMOTE: Record<RemoteKind, Remote> = {
  none: { kind: 'none' },
  created: { kind: 'created', fields: THEIRS },
  edited: { kind: 'edited', fields: THEIRS },
  deleted: { kind: 'deleted' },
  unknown: { kind: 'unknown' },
};

/** What each cell does with an unsent edit of the name here and an unseen edit of the e-mail there. */
const MERGED = { kind: 'merge', asks: [], pull: { email: THEIRS.email }, push: { name: 'Anna' }, lost: [] };
const EDIT_HERE_LOST = [
  { field: 'name', ours: 'Anna', theirs: 'Ann', winner: 'deletion', cause: 'edit_and_delete' },
];
const EDIT_THERE_LOST = [
  { field: 'email', ours: OLD.email, theirs: THEIRS.email, winner: 'deletion', cause: 'edit_and_delete' },
];
const BORN_THERE = { kind: 'create-local', values: THEIRS, base: agreed(THEIRS) };

const EXPECTED: Record<LocalKind, Record<RemoteKind, object>> = {
  none: {
    none: { kind: 'void' },
    created: BORN_THERE,
    edited: BORN_THERE,
    deleted: { kind: 'void' },
    unknown: { kind: 'wait' },
  },
  created: {
    none: { kind: 'create-remote', values: OURS },
    created: MERGED,
    edited: MERGED,
    deleted: { kind: 'delete-local', lost: EDIT_HERE_LOST },
    unknown: { kind: 'wait' },
  },
  edited: {
    none: { kind: 'park-missing' },
    created: MERGED,
    edited: MERGED,
    deleted: { kind: 'delete-local', lost: EDIT_HERE_LOST },
    unknown: { kind: 'wait' },
  },
  deleted: {
    none: { kind: 'retire' },
    created: { kind: 'delete-remote', lost: EDIT_THERE_LOST },
    edited: { kind: 'delete-remote', lost: EDIT_THERE_LOST },
    deleted: { kind: 'retire' },
    unknown: { kind: 'wait' },
  },
  restored: {
    none: { kind: 'create-remote', values: OURS },
    created: MERGED,
    edited: MERGED,
    deleted: { kind: 'renew' },
    unknown: { kind: 'wait' },
  },
};

const cells = (Object.keys(EXPECTED) as LocalKind[]).flatMap((local) =>
  (Object.keys(EXPECTED[local]) as RemoteKind[]).map((remote) => ({
    local,
    remote,
    story: DECISION_TABLE[local][remote].story,
    expected: EXPECTED[local][remote],
  })),
);

describe('every cell of the decision table', () => {
  test.each(cells)('$local here, $remote there: $story', ({ local, remote, story, expected }) => {
    const decision = reconcile(agreed(OLD), LOCAL[local], REMOTE[remote], POLICY);
    expect(decision.cell).toEqual({ local, remote });
    expect(decision.story).toBe(story);
    expect(decision.step).toMatchObject(expected);
  });

  test('there is none that this table of expectations does not name', () => {
    const named = Object.values(DECISION_TABLE).flatMap((row) => Object.keys(row));
    expect(cells).toHaveLength(named.length);
  });
});

function stepOf(local: Local, remote: Remote, policy = POLICY): Step {
  return reconcile(agreed(OLD), local, remote, policy).step;
}

describe('policies', () => {
  test('detach: a record deleted here is only cut off there', () => {
    const detach = policyOf('local', 'detach');
    expect(stepOf(LOCAL.deleted, REMOTE.edited, detach)).toEqual({ kind: 'detach' });
    expect(stepOf(LOCAL.deleted, REMOTE.created, detach)).toEqual({ kind: 'detach' });
  });

  test('detach says nothing about deletions there: they still come here', () => {
    expect(stepOf(LOCAL.edited, REMOTE.deleted, policyOf('local', 'detach'))).toMatchObject({
      kind: 'delete-local',
    });
  });

  test('ask: the fields a person must decide are named', () => {
    const remote: Remote = { kind: 'edited', fields: { ...OLD, name: 'Anne' } };
    expect(stepOf(LOCAL.edited, remote, policyOf('ask'))).toMatchObject({
      asks: ['name'],
      push: {},
      pull: {},
    });
  });
});

describe('what is sent and taken', () => {
  test('a creation sends no empty fields', () => {
    const local: Local = { kind: 'created', fields: { name: 'Ann', email: '  ' }, version: 1 };
    expect(stepOf(local, REMOTE.none)).toEqual({ kind: 'create-remote', values: { name: 'Ann' } });
  });

  test('whatever the remote holds becomes the record, empty fields included', () => {
    const remote: Remote = { kind: 'created', fields: { name: null, email: null } };
    expect(stepOf(LOCAL.none, remote)).toMatchObject({
      kind: 'create-local',
      values: { name: null, email: null },
    });
  });

  test('a field the remote does not name at all is agreed to be empty', () => {
    const remote: Remote = { kind: 'created', fields: { name: 'Ann' } };
    expect(stepOf(LOCAL.none, remote)).toMatchObject({ base: { email: { ours: null, theirs: null } } });
  });

  test('a decision moves no value it was given', () => {
    const base = Object.freeze(agreed(OLD));
    const local: Local = { kind: 'edited', fields: Object.freeze({ ...OURS }), version: 2 };
    expect(() => reconcile(base, local, REMOTE.edited, POLICY)).not.toThrow();
    expect(base).toEqual(agreed(OLD));
  });
});
