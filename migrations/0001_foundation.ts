/**
 * The first schema: installation, customers, tombstones, links, intents, queue, inbox, conflicts, connections.
 * Frozen: a later change is a later migration. Everything stands in schema `counterpart`; no superuser, no extension.
 */
import type { Knex } from 'knex';

const FUNCTIONS = `
-- A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, then random bits.
create function counterpart.uuidv7() returns uuid language sql volatile parallel safe as $$
  select (substr(stamp, 1, 8) || '-' || substr(stamp, 9, 4) || '-7' || substr(random, 16))::uuid
  from (select lpad(to_hex(floor(extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') as stamp,
               gen_random_uuid()::text as random) as parts
$$;

create sequence counterpart.work_seq;
create sequence counterpart.fence_seq;
`;

const CUSTOMERS = `
create table counterpart.installation (
  single boolean primary key default true check (single),
  id text not null check (id ~ '^[0-9a-f]{16}$'),
  secret bytea not null check (length(secret) = 32),
  created_at timestamptz not null default now()
);
insert into counterpart.installation (id, secret)
select left(encode(sha256(convert_to(gen_random_uuid()::text, 'UTF8')), 'hex'), 16),
       sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'));

create table counterpart.customers (
  id uuid primary key default counterpart.uuidv7(),
  name text,
  email text,
  version bigint not null default 1,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);
create index customers_newest on counterpart.customers (created_at desc, id desc);
create index customers_email on counterpart.customers (counterpart.canonical_email(email));

-- A deleted record's remembrance. 'fields' is what a restore brings back.
create table counterpart.tombstones (
  catalog text not null,
  record_id uuid not null,
  version bigint not null,
  fields jsonb not null,
  created_at timestamptz(3) not null,
  deleted_at timestamptz(3) not null default now(),
  primary key (catalog, record_id)
);
create index tombstones_newest on counterpart.tombstones (catalog, created_at desc, record_id desc);
create index tombstones_email on counterpart.tombstones (counterpart.canonical_email(fields ->> 'email'))
  where catalog = 'customer';
`;

const LINKS = `
create table counterpart.connections (
  name text primary key,
  system text not null,
  account text,
  api_base text,
  mode text check (mode in ('simulator', 'test', 'live')),
  identified_at timestamptz,
  paused_at timestamptz,
  pause_code text,
  pause_detail text,
  down_since timestamptz,
  down_code text,
  probe_at timestamptz,
  degraded text[] not null default '{}',
  created_at timestamptz not null default now()
);

create table counterpart.links (
  id bigint generated always as identity primary key,
  connection text not null,
  catalog text not null,
  record_id uuid not null,
  generation integer not null check (generation > 0),
  remote_id text,
  state text not null check (state in ('reserved', 'linked', 'deleting', 'retired', 'void')),
  born text not null check (born in ('local', 'remote')),
  base jsonb not null default '{}',
  agreed_version bigint,
  -- the look that may write here, and the newest attempt within it: a stalled older one matches neither
  look_id bigint not null default 0,
  fence bigint not null default 0,
  -- set only by the system's own word (deleted: true, or a verified event)
  remote_deleted_at timestamptz,
  -- cut without deleting there (policy detach); a restore takes up the same object
  detached boolean not null default false,
  possible_duplicate boolean not null default false,
  outcome text not null default 'pending'
    check (outcome in ('pending', 'in_sync', 'waiting', 'parked', 'paused', 'deleted')),
  reason jsonb,
  reason_since timestamptz,
  decision jsonb,
  last_synced_at timestamptz,
  waits integer not null default 0,
  created_at timestamptz not null default now(),
  unique (connection, catalog, record_id, generation),
  check (state not in ('linked', 'deleting') or remote_id is not null)
);
-- at most one record per remote object, for ever: retired ids are kept
create unique index links_remote on counterpart.links (connection, catalog, remote_id) where remote_id is not null;
-- at most one live link per record and connection
create unique index links_live on counterpart.links (connection, catalog, record_id)
  where state in ('reserved', 'linked', 'deleting');
create index links_record on counterpart.links (catalog, record_id);
create index links_unsettled on counterpart.links (catalog, record_id) where outcome in ('parked', 'waiting');
create index links_parked on counterpart.links (connection, (reason ->> 'code')) where outcome = 'parked';

create table counterpart.intents (
  key text primary key,
  link_id bigint not null references counterpart.links (id) on delete cascade,
  kind text not null check (kind in ('create', 'update', 'delete')),
  -- what is sent; emptied when the intent ends, so that no second copy of personal data stays
  values jsonb,
  -- HMAC per field of the remote value this intent knows it replaces
  replaces jsonb not null default '{}',
  version bigint not null,
  -- the look that read the other side and then wrote this; a later look must read it again before it is done
  look_id bigint not null,
  created_at timestamptz not null default now(),
  first_sent_at timestamptz,
  sends integer not null default 0,
  ended_at timestamptz,
  ending text check (ending in ('done', 'refused', 'replayed_failure', 'not_applied', 'superseded')),
  request_id text,
  check ((ended_at is null) = (ending is null))
);
-- at most one open intent per link
create unique index intents_open on counterpart.intents (link_id) where ended_at is null;
create index intents_ended on counterpart.intents (ended_at) where ended_at is not null;
create index intents_deletes on counterpart.intents (created_at) where kind = 'delete';

create table counterpart.conflicts (
  id uuid primary key default counterpart.uuidv7(),
  link_id bigint not null references counterpart.links (id) on delete cascade,
  connection text not null,
  catalog text not null,
  record_id uuid not null,
  field text not null,
  ours jsonb not null,
  theirs jsonb not null,
  winner text not null check (winner in ('local', 'remote', 'ask', 'deletion')),
  cause text not null check (cause in ('both_edited', 'edit_and_delete', 'overwritten_unseen', 'altered')),
  created_at timestamptz(3) not null default now(),
  resolved_at timestamptz(3),
  resolution text check (resolution in ('local', 'remote'))
);
create index conflicts_record on counterpart.conflicts (catalog, record_id, created_at desc);
-- one open question per field
create unique index conflicts_asked on counterpart.conflicts (link_id, field) where winner = 'ask' and resolved_at is null;
`;

const QUEUE = `
create table counterpart.work_queue (
  catalog text not null,
  record_id uuid not null,
  seq bigint not null,
  hint text not null,
  hinted_at timestamptz not null,
  last_hint_at timestamptz not null,
  due_at timestamptz not null,
  signalled_at timestamptz,
  rings integer not null default 0,
  waiting_on text[] not null default '{}',
  primary key (catalog, record_id)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);
create index work_queue_due on counterpart.work_queue (due_at);
create index work_queue_rung on counterpart.work_queue (due_at) where rings = 1 and waiting_on = '{}';
create index work_queue_waiting on counterpart.work_queue using gin (waiting_on) where waiting_on <> '{}';

-- Every hint comes through here. The sequence is global: a counter in the row would start again after the row is
-- deleted, and a stalled holder of the old number would then delete a newer hint. A record rings at most every 250 ms.
create function counterpart.enqueue(in_catalog text, in_ids uuid[], in_hint text) returns void language plpgsql as $$
begin
  insert into counterpart.work_queue as q (catalog, record_id, seq, hint, hinted_at, last_hint_at, due_at)
  select in_catalog, id, nextval('counterpart.work_seq'), in_hint, clock_timestamp(), clock_timestamp(), clock_timestamp()
  from (select distinct unnest(in_ids) as id order by 1) as ids
  on conflict (catalog, record_id) do update
    set seq = nextval('counterpart.work_seq'), hint = excluded.hint, last_hint_at = excluded.last_hint_at,
        due_at = greatest(excluded.due_at, q.signalled_at + interval '250 milliseconds'),
        rings = 0, waiting_on = '{}';
  perform pg_notify('counterpart_work', '');
end
$$;
`;

const CAPTURE = `
-- Attached to a catalog's table by counterpart.attach_catalog(table, catalog, fields...). Counts the version, keeps
-- deletions as tombstones and queues each changed record, whoever made the change: API, psql, ORM or import.
create function counterpart.count_version() returns trigger language plpgsql as $$
declare
  fields constant text[] := tg_argv[1:];
  tombstone counterpart.tombstones;
begin
  if tg_op = 'INSERT' then
    -- An INSERT with a deleted record's id is the explicit restore in SQL. The tombstone goes when the row stands
    -- (queue_inserted): here the row may still come to nothing, by ON CONFLICT DO NOTHING for one.
    select * into tombstone from counterpart.tombstones t where t.catalog = tg_argv[0] and t.record_id = new.id;
    new.version := coalesce(tombstone.version, 0) + 1;
    new.created_at := coalesce(tombstone.created_at, new.created_at);
    return new;
  end if;
  if new.id is distinct from old.id then
    raise exception 'the id of a synced record cannot change' using errcode = 'restrict_violation',
      hint = 'Delete the record and insert a new one.';
  end if;
  new.created_at := old.created_at;
  if (select bool_and((to_jsonb(new) -> f) is not distinct from (to_jsonb(old) -> f)) from unnest(fields) as f) then
    new.version := old.version;
    new.updated_at := old.updated_at;
  else
    new.version := old.version + 1;
    new.updated_at := now();
  end if;
  return new;
end
$$;

-- Whether this statement is the sync's own, whose look needs no other look. What a product's trigger does in its wake is
-- not: that stands one trigger deeper.
create function counterpart.is_own_write() returns boolean language sql stable as $$
  select current_setting('counterpart.writer', true) is not distinct from 'sync' and pg_trigger_depth() = 1
$$;

create function counterpart.queue_inserted() returns trigger language plpgsql as $$
begin
  -- planned anew each time, as in queue_updated
  execute 'delete from counterpart.tombstones t using changed_new n where t.catalog = $1 and t.record_id = n.id'
    using tg_argv[0];
  if not counterpart.is_own_write() and exists (select from changed_new) then
    perform counterpart.enqueue(tg_argv[0], (select array_agg(id) from changed_new), 'local');
  end if;
  return null;
end
$$;

create function counterpart.queue_updated() returns trigger language plpgsql as $$
declare
  ids uuid[];
begin
  if not counterpart.is_own_write() then
    -- Planned anew each time, on purpose: a plan kept from a one-row update joins in nested loops, and 100,000 rows then
    -- take hours instead of a second.
    execute 'select array_agg(n.id) from changed_new n join changed_old o using (id) where n.version <> o.version' into ids;
    if ids is not null then
      perform counterpart.enqueue(tg_argv[0], ids, 'local');
    end if;
  end if;
  return null;
end
$$;

create function counterpart.queue_deleted() returns trigger language plpgsql as $$
begin
  -- A row that was deleted and inserted anew by one statement stands: no tombstone. One that came back with the triggers
  -- off (a restored dump) has its old tombstone still.
  execute format(
    'insert into counterpart.tombstones as t (catalog, record_id, version, fields, created_at)
     select $1, o.id, o.version + 1, (select jsonb_object_agg(f, to_jsonb(o) -> f) from unnest($2) as f), o.created_at
     from changed_old o where not exists (select from %s c where c.id = o.id)
     on conflict (catalog, record_id) do update
       set version = greatest(t.version + 1, excluded.version), fields = excluded.fields, deleted_at = excluded.deleted_at',
    tg_relid::regclass) using tg_argv[0], tg_argv[1:];
  if not counterpart.is_own_write() and exists (select from changed_old) then
    perform counterpart.enqueue(tg_argv[0], (select array_agg(id) from changed_old), 'local');
  end if;
  return null;
end
$$;

create function counterpart.refuse_truncate() returns trigger language plpgsql as $$
begin
  raise exception 'TRUNCATE would drop records without telling the systems they are synced with'
    using errcode = 'restrict_violation', hint = 'Use DELETE; a DELETE of many rows is one statement too.';
end
$$;

create function counterpart.attach_catalog(in_table regclass, in_catalog text, variadic in_fields text[]) returns void
language plpgsql as $$
declare
  args constant text := (select string_agg(quote_literal(a), ', ') from unnest(in_catalog || in_fields) as a);
begin
  -- triggers fire in the order of their names: ours must see what the product's own made of the row
  execute format('create trigger zzz_counterpart_version before insert or update on %s
    for each row execute function counterpart.count_version(%s)', in_table, args);
  execute format('create trigger counterpart_inserted after insert on %s referencing new table as changed_new
    for each statement execute function counterpart.queue_inserted(%s)', in_table, args);
  execute format('create trigger counterpart_updated after update on %s
    referencing old table as changed_old new table as changed_new
    for each statement execute function counterpart.queue_updated(%s)', in_table, args);
  execute format('create trigger counterpart_deleted after delete on %s referencing old table as changed_old
    for each statement execute function counterpart.queue_deleted(%s)', in_table, args);
  execute format('create trigger counterpart_truncate before truncate on %s
    for each statement execute function counterpart.refuse_truncate()', in_table);
end
$$;

select counterpart.attach_catalog('counterpart.customers', 'customer', 'name', 'email');
`;

const INBOX = `
-- Events heard from remote systems, without any personal value.
create table counterpart.events (
  connection text not null,
  id text not null,
  type text not null,
  catalog text,
  remote_id text,
  record_id uuid,
  created_at timestamptz not null,
  received_at timestamptz not null default now(),
  source text not null check (source in ('webhook', 'poll')),
  result text not null check (result in ('queued', 'echo', 'ignored', 'retired', 'void')),
  primary key (connection, id)
);
create index events_received on counterpart.events (received_at);

create table counterpart.event_cursors (
  connection text primary key,
  event_id text,
  event_created_at timestamptz not null,
  polled_at timestamptz not null default now(),
  -- one poller at a time: whoever holds the lease
  poller text,
  lease_until timestamptz not null default '-infinity',
  overlapped_at timestamptz not null default now()
);

create table counterpart.idempotency_keys (
  key text not null,
  caller text not null,
  request_hash bytea not null,
  status integer,
  headers jsonb,
  body jsonb,
  created_at timestamptz not null default now(),
  primary key (caller, key)
);
create index idempotency_keys_created on counterpart.idempotency_keys (created_at);
`;

/**
 * What JavaScript's trim takes off (tc39.es/ecma262, WhiteSpace and LineTerminator), so that both sides compare alike;
 * under locale C a regular expression's blank knows the ASCII ones only.
 */
const BLANKS =
  '\\t\\n\\x0b\\f\\r \\u00a0\\u1680\\u2000\\u2001\\u2002\\u2003\\u2004\\u2005\\u2006\\u2007\\u2008\\u2009\\u200a' +
  '\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff';

/**
 * Lower-casing beyond ASCII needs ICU where the database's locale is C; almost every build has it. Without ICU the plain
 * `lower` serves, and addresses that differ only in the case of a non-ASCII letter are not recognised as one.
 */
async function createCanonicalEmail(knex: Knex): Promise<void> {
  const icu = await knex.raw(
    `select 1 from pg_collation where collname = 'und-x-icu' and collencoding in (-1, 6)`,
  );
  const lowered = icu.rows.length > 0 ? 'lower(shaped collate "und-x-icu")' : 'lower(shaped)';
  await knex.raw(`
    create function counterpart.canonical_email(email text) returns text language sql immutable parallel safe as $$
      select nullif(normalize(${lowered}, NFC), '')
      from (select btrim(normalize(email, NFC), E'${BLANKS}') as shaped) as s
    $$`);
}

export async function up(knex: Knex): Promise<void> {
  await createCanonicalEmail(knex);
  for (const part of [FUNCTIONS, CUSTOMERS, LINKS, QUEUE, CAPTURE, INBOX]) await knex.raw(part);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table counterpart.idempotency_keys, counterpart.event_cursors, counterpart.events, counterpart.work_queue,
      counterpart.conflicts, counterpart.intents, counterpart.links, counterpart.connections, counterpart.tombstones,
      counterpart.customers, counterpart.installation;
    drop function counterpart.attach_catalog, counterpart.refuse_truncate, counterpart.is_own_write, counterpart.queue_deleted,
      counterpart.queue_updated, counterpart.queue_inserted, counterpart.count_version, counterpart.enqueue,
      counterpart.canonical_email, counterpart.uuidv7;
    drop sequence counterpart.work_seq, counterpart.fence_seq;
  `);
}
