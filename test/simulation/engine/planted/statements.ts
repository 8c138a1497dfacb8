/** Mistakes in the text of SQL. The memory Postgres has twins of its own and does not read it, so a real one has to show them. */
import type { Defect } from './defect';

const tier = 'sql';

export const IN_STATEMENTS: readonly Defect[] = [
  {
    name: 'an end of a look takes the row whatever its number is',
    file: 'src/store/workQueue.ts',
    find: 'delete from counterpart.work_queue where catalog = $1 and record_id = $2 and seq = $3',
    replace:
      'delete from counterpart.work_queue where catalog = $1 and record_id = $2 and $3::bigint is not null',
    tier,
    story: 'There is one row for each record, so its key is enough: something newer came meanwhile.',
    shownBy: ['32: there and back quickly, here'],
    schedules: 20,
  },
  {
    name: 'the number of a hint is counted in its row',
    file: 'migrations/0001_foundation.ts',
    find: "select in_catalog, id, nextval('counterpart.work_seq'), in_hint",
    replace: 'select in_catalog, id, 1, in_hint',
    and: {
      find: "set seq = nextval('counterpart.work_seq'), hint = excluded.hint",
      replace: 'set seq = q.seq + 1, hint = excluded.hint',
    },
    tier,
    story: 'It only has to grow: a row that was deleted begins again, and the end of an old look takes it.',
    shownBy: ['33'],
    schedules: 60,
  },
  {
    name: 'a claim is for ever',
    file: 'src/store/workQueue.ts',
    find: "due_at = clock_timestamp() + least($3 * power(2, least(q.rings, 20)), $4) * interval '1 millisecond'",
    replace: "due_at = least('infinity'::timestamptz, to_timestamp(1e10 + $3 * 0 + $4 * 0))",
    tier,
    story: 'Whoever claims it does it: he was ended by hand.',
    shownBy: ['43, 49'],
  },
  {
    name: 'a deletion is not queued',
    file: 'migrations/0001_foundation.ts',
    find: 'if not counterpart.is_own_write() and exists (select from changed_old) then',
    replace: 'if false then',
    tier,
    story: 'The tombstone says it: nobody is told to read it.',
    shownBy: ['1: the answer to a deletion'],
  },
  {
    name: 'an edit does not count the version',
    file: 'migrations/0001_foundation.ts',
    find: 'new.version := old.version + 1;',
    replace: 'new.version := old.version;',
    tier,
    story: 'The version is for the API: whether anything changed is told by it, too.',
    shownBy: ['32: there and back quickly, here'],
  },
  {
    name: 'a restored record begins with version 1',
    file: 'migrations/0001_foundation.ts',
    find: 'new.version := coalesce(tombstone.version, 0) + 1;',
    replace: 'new.version := 1;',
    and: { find: 'n.version <= t.version as overtaken', replace: 'false as overtaken' },
    tier,
    story: 'It is a new row: a version goes back, and an old one is taken for it.',
    shownBy: ['60: deleted here, restored later'],
  },
  {
    name: 'an older look can go on',
    file: 'src/store/links.ts',
    find: 'where id = $1 and fence = $2 for update`',
    replace: 'where id = $1 and $2::bigint is not null for update`',
    tier,
    story: 'The row lock is enough: it was kept, and decides on what it read long ago.',
    shownBy: ['54: an attempt stalls'],
    schedules: 60,
  },
  {
    name: 'an event is stored without asking whether it is there',
    file: 'src/store/events.ts',
    find: 'values ($1, $2, $3, $4, $5, $6, to_timestamp($7), $8, $9) on conflict do nothing returning *',
    replace: 'values ($1, $2, $3, $4, $5, $6, to_timestamp($7), $8, $9) returning *',
    tier,
    story: 'An id is given once: an event is delivered twice, and whoever sends it is told that it failed.',
    shownBy: ['13'],
  },
];
