/**
 * The first schema: installation, customers, tombstones, links, intents, queue, inbox, conflicts, timeline, connections.
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

-- The name of a look, or of an attempt: a number below 2^53 that nobody else has. Random and not of a sequence, because a
-- sequence may give a number out again: after a crash that lost an unflushed commit, or from a restored backup.
create function counterpart.fresh_number() returns bigint language sql volatile as $$
  select floor(random() * 9007199254740992)::bigint
$$;
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
-- of a hash: the value itself may be longer than an index takes, and the product's statement would fail
create index customers_email on counterpart.customers (hashtextextended(counterpart.canonical_email(email), 0));

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
create index tombstones_email on counterpart.tombstones (hashtextextended(counterpart.canonical_email(fields ->> 'email'), 0))
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
  -- the database was restored from a backup: nothing is sent until a sweep has read everything
  recovering_since timestamptz,
  -- the breaker: open while down_since is set. Whoever moves probe_at on asks the system, or lets waiting records go on.
  down_since timestamptz,
  down_code text,
  probe_at timestamptz,
  release_rows integer not null default 0,
  degraded text[] not null default '{}',
  created_at timestamptz not null default now()
);

-- When a class of requests to a connection may be sent next, and what its rate was lowered to after a refusal.
create table counterpart.paces (
  connection text not null,
  class text not null,
  next_at timestamptz not null default '-infinity',
  slowed_at timestamptz,
  slowed_to double precision,
  primary key (connection, class),
  check ((slowed_at is null) = (slowed_to is null))
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
  -- the look that may write here, and the newest attempt within it: a stalled older one matches neither, and after a restore
  -- of the record no attempt that began before it
  look_id bigint not null default 0,
  fence bigint not null default 0,
  -- the workflow run whose look wrote this row last; null when somebody else did
  run_id text,
  -- set only by the system's own word (deleted: true, or a verified event)
  remote_deleted_at timestamptz,
  -- cut without deleting there (policy detach); a restore takes up the same object
  detached boolean not null default false,
  possible_duplicate boolean not null default false,
  -- per field, in which directions the sync wrote it of late: what tells a ping-pong
  swings jsonb not null default '{}',
  -- what the system refused for good, and why: the version it was read from and fingerprints of what it would have replaced
  refused jsonb,
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
  last_sent_at timestamptz,
  sends integer not null default 0,
  -- of them those that the system surely never began to carry out
  unbegun integer not null default 0 check (unbegun between 0 and sends),
  -- a create that was looked for and not found; a second reading proves it, some time later
  absent_at timestamptz,
  -- how far a long search for it has come, in the connector's own words; never a value
  trace_place text,
  ended_at timestamptz,
  ending text check (ending in ('done', 'refused', 'replayed_failure', 'not_applied', 'superseded')),
  request_id text,
  check ((ended_at is null) = (ending is null))
);
-- at most one open intent per link
create unique index intents_open on counterpart.intents (link_id) where ended_at is null;
create index intents_link on counterpart.intents (link_id);
create index intents_ended on counterpart.intents (ended_at) where ended_at is not null;

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
  cause text not null check (cause in ('both_edited', 'edit_and_delete', 'overwritten_unseen', 'altered', 'ping_pong')),
  created_at timestamptz(3) not null default now(),
  resolved_at timestamptz(3),
  resolution text check (resolution in ('local', 'remote'))
);
create index conflicts_record on counterpart.conflicts (catalog, record_id, created_at desc);
-- one open question per field
create unique index conflicts_asked on counterpart.conflicts (link_id, field) where winner = 'ask' and resolved_at is null;
`;

const GUARDS = `
-- One row per connection and direction; whoever lets a deletion pass holds it, so that several workers count as one.
create table counterpart.delete_guards (
  connection text not null references counterpart.connections (name) on delete cascade,
  direction text not null check (direction in ('out', 'in')),
  tripped_at timestamptz,
  -- a person allowed what was held; counting starts anew from here
  allowed_at timestamptz not null default '-infinity',
  -- how many records are linked, counted now and then
  linked integer not null default 0,
  linked_at timestamptz not null default '-infinity',
  primary key (connection, direction)
);

-- What was said of a deletion: it may pass, counted by the guard or allowed by a person; it is held by the guard; or (kept) it
-- was refused by a person: the record stays here and is made anew there.
create table counterpart.delete_passes (
  -- no foreign key: its check would wait for a look that holds the link and waits for the guard
  link_id bigint not null,
  direction text not null check (direction in ('out', 'in')),
  connection text not null,
  -- of the tombstone that goes out; 0 for a deletion that comes in
  version bigint not null,
  verdict text not null check (verdict in ('counted', 'held', 'allowed', 'kept')),
  passed_at timestamptz not null,
  primary key (link_id, direction)
);
create index delete_passes_counted on counterpart.delete_passes (connection, direction, passed_at) where verdict = 'counted';
create index delete_passes_held on counterpart.delete_passes (connection, direction) where verdict = 'held';
create index delete_passes_old on counterpart.delete_passes (passed_at);
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
  -- one of many that no person waits for: comes after all others
  bulk boolean not null default false,
  -- hinted before an older backup was restored, or while a connection recovered: where both sides changed, the other side,
  -- which lived on, wins
  recovered boolean not null default false,
  -- runs of looks since the newest hint that came to no rest
  restless integer not null default 0,
  primary key (catalog, record_id)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200);
create index work_queue_due on counterpart.work_queue (due_at) where not bulk;
create index work_queue_bulk on counterpart.work_queue (due_at) where bulk;
create index work_queue_rung on counterpart.work_queue (due_at) where rings = 1 and (waiting_on = '{}' or bulk);
create index work_queue_waiting on counterpart.work_queue using gin (waiting_on) where waiting_on <> '{}';

-- Records that wait live and were hinted by one of these. Counted among the 128 that are due first, so that it costs the same
-- however many wait; a plan that was made while the queue was short must not read all of a long one.
create function counterpart.count_live(in_hints text[]) returns bigint language plpgsql stable
set enable_seqscan = off as $$
begin
  return (select count(*)
    from (select hint, rings, waiting_on from counterpart.work_queue where not bulk order by due_at limit 128) as first
    where hint = any(in_hints) and rings <= 1 and waiting_on = '{}');
end
$$;

-- Every hint comes through here. The sequence is global: a counter in the row would start again after the row is
-- deleted, and a stalled holder of the old number would then delete a newer hint. A record rings at most every 250 ms.
-- What a sweep found comes after everything else, and so does what one statement queues by the hundred: an import must
-- not stand before a person's edit. Until somebody else asks for the same record.
-- So does what comes one by one, but by the hundred all the same. Of what was changed here, and of what was heard, 32 records
-- wait live; 16 of these places are only for records that an agreed link has, so that births by the thousand stand before no
-- edit. What an operator asks for is always live. A pull goes on as what it was heard as.
create function counterpart.enqueue(in_catalog text, in_ids uuid[], in_hint text, in_bulk boolean default false)
returns void language plpgsql as $$
declare
  many constant boolean := in_bulk or in_hint in ('sweep', 'recovered') or cardinality(in_ids) > 100;
  live constant bigint := case when many then 0
    when in_hint = 'local' then counterpart.count_live('{local}')
    when in_hint in ('webhook', 'poll') then counterpart.count_live('{webhook,poll}')
    else 0 end;
begin
  insert into counterpart.work_queue as q
    (catalog, record_id, seq, hint, hinted_at, last_hint_at, due_at, bulk, recovered)
  select in_catalog, id, nextval('counterpart.work_seq'), in_hint, clock_timestamp(), clock_timestamp(), clock_timestamp(),
    -- by the index for each id: written with 'exists' it may be planned as one reading of all links
    many or live >= 32 or live >= 16 and coalesce((select false from counterpart.links l
      where l.catalog = in_catalog and l.record_id = ids.id and l.state <> 'reserved' limit 1), true),
    in_hint = 'recovered' or exists (select from counterpart.connections where recovering_since is not null)
  from (select distinct unnest(in_ids) as id order by 1) as ids
  on conflict (catalog, record_id) do update
    set seq = nextval('counterpart.work_seq'), hint = excluded.hint, last_hint_at = excluded.last_hint_at,
        -- the last term: Postgres's clock may have been set back
        due_at = least(greatest(excluded.due_at, q.signalled_at + interval '250 milliseconds'),
          excluded.due_at + interval '250 milliseconds'),
        rings = 0, restless = 0, waiting_on = '{}', bulk = q.bulk and (excluded.bulk or in_hint = 'pull'),
        recovered = q.recovered or excluded.recovered;
  -- what was changed or heard tells of its hint itself
  if in_hint not in ('local', 'webhook', 'poll') then
    insert into counterpart.timeline (catalog, record_id, kind, detail)
    select distinct in_catalog, id, 'hint', jsonb_build_object('hint', in_hint) from unnest(in_ids) as id;
  end if;
  perform pg_notify('counterpart_work', '');
end
$$;

-- Hints for records whose queue row somebody's open transaction held. That transaction may be rolled back, and its own hint
-- with it, so these are given until they stand.
create table counterpart.owed_hints (
  catalog text not null,
  record_id uuid not null,
  hint text not null,
  owed_since timestamptz not null default now(),
  primary key (catalog, record_id, hint)
);

-- As 'enqueue', for whoever hints many records at once and must not wait for a product's long transaction: where a row is held
-- for longer than 50 ms they are queued one by one, those that are held then are passed by, and their hints are owed. Returns
-- the records that were queued.
create function counterpart.enqueue_passing(in_catalog text, in_ids uuid[], in_hint text) returns uuid[]
language plpgsql as $$
declare
  waiting constant text := current_setting('lock_timeout');
  many constant boolean := cardinality(in_ids) > 100;
  queued uuid[] := in_ids;
  one uuid;
begin
  perform set_config('lock_timeout', '50ms', true);
  begin
    perform counterpart.enqueue(in_catalog, in_ids, in_hint);
  exception when lock_not_available then
    queued := '{}';
  end;
  if queued = '{}' then
    perform set_config('lock_timeout', '2ms', true);
    foreach one in array (select coalesce(array_agg(id order by id), '{}') from unnest(in_ids) as id) loop
      begin
        perform counterpart.enqueue(in_catalog, array[one], in_hint, many);
        queued := queued || one;
      exception when lock_not_available then
        -- somebody else may owe the same hint in a transaction that is about to end: that is waited for as for anything else
        perform set_config('lock_timeout', waiting, true);
        insert into counterpart.owed_hints (catalog, record_id, hint) values (in_catalog, one, in_hint)
        on conflict do nothing;
        perform set_config('lock_timeout', '2ms', true);
      end;
    end loop;
  end if;
  perform set_config('lock_timeout', waiting, true);
  return queued;
end
$$;

-- Gives the hints that are owed, as far as their rows are free now.
create function counterpart.place_owed() returns void language plpgsql as $$
declare
  owed record;
begin
  for owed in
    with taken as (
      delete from counterpart.owed_hints where ctid = any(array(
        select ctid from counterpart.owed_hints order by owed_since limit 1000 for update skip locked))
      returning catalog, record_id, hint)
    select catalog, hint, array_agg(record_id) as ids from taken group by catalog, hint
  loop
    perform counterpart.enqueue_passing(owed.catalog, owed.ids, owed.hint);
  end loop;
end
$$;
`;

const TIMELINE = `
-- What happened to each record, in the order of 'seq': written by triggers, in the transaction of what it tells of, so that
-- no writer can forget it and none needs another round trip. 'changes' holds name -> [before, after] and is what the record's
-- present state can be told from again: its fields, and of each link what link_view shows. A name that is missing did not
-- change. Values stand only there; 'detail' holds none.
create table counterpart.timeline (
  seq bigint generated always as identity,
  catalog text not null,
  record_id uuid not null,
  at timestamptz(3) not null default clock_timestamp(),
  kind text not null check (kind in
    ('change', 'event', 'hint', 'look', 'decision', 'intent', 'call', 'answer', 'link', 'lost', 'resolved')),
  connection text,
  link_id bigint,
  run_id text,
  request_id text,
  version bigint,
  changes jsonb not null default '{}',
  detail jsonb not null default '{}',
  primary key (catalog, record_id, seq)
);
create index timeline_at on counterpart.timeline (at);

-- name -> [before, after], for the names that differ. These are plpgsql and not sql, whose plan is not kept between calls.
create function counterpart.compared(before jsonb, after jsonb) returns jsonb language plpgsql immutable as $$
begin
  return (select coalesce(jsonb_object_agg(name, jsonb_build_array(before -> name, after -> name)), '{}')
    from jsonb_object_keys(before || after) as name where before -> name is distinct from after -> name);
end
$$;

create function counterpart.link_view(link counterpart.links) returns jsonb language plpgsql stable as $$
begin
  return jsonb_build_object('state', link.state, 'remote_id', link.remote_id, 'generation', link.generation,
      'outcome', link.outcome, 'reason', link.reason, 'agreed_version', link.agreed_version, 'detached', link.detached,
      'remote_deleted', link.remote_deleted_at is not null, 'possible_duplicate', link.possible_duplicate)
    || (select coalesce(jsonb_object_agg('base.' || key, value), '{}') from jsonb_each(link.base));
end
$$;

create function counterpart.tell_link() returns trigger language plpgsql as $$
declare
  before jsonb := '{}';
  after jsonb := '{}';
  moved constant boolean := tg_op = 'UPDATE' and new.record_id is distinct from old.record_id;
  decided constant boolean := tg_op = 'UPDATE' and new.decision is distinct from old.decision;
  changes jsonb;
begin
  if tg_op <> 'INSERT' then before := counterpart.link_view(old); end if;
  if tg_op <> 'DELETE' then after := counterpart.link_view(new); end if;
  if tg_op = 'DELETE' or moved then
    insert into counterpart.timeline (catalog, record_id, kind, connection, link_id, run_id, changes, detail)
    values (old.catalog, old.record_id, 'link', old.connection, old.id, old.run_id, counterpart.compared(before, '{}'),
      case when moved then jsonb_build_object('moved_to', new.record_id) else '{}' end);
    before := '{}';
  end if;
  changes := counterpart.compared(before, after);
  if tg_op <> 'DELETE' and (decided or changes <> '{}') then
    insert into counterpart.timeline (catalog, record_id, kind, connection, link_id, run_id, request_id, changes, detail)
    values (new.catalog, new.record_id, case when decided then 'decision' else 'link' end, new.connection, new.id, new.run_id,
      case when decided then new.decision ->> 'requestId' end, changes,
      case when decided then jsonb_build_object('what', new.decision ->> 'what')
        when moved then jsonb_build_object('moved_from', old.record_id) else '{}' end);
  end if;
  return null;
end
$$;
create trigger timeline_made after insert or delete on counterpart.links
  for each row execute function counterpart.tell_link();
-- not for every fence that is taken
create trigger timeline_changed after update of record_id, state, remote_id, base, agreed_version, remote_deleted_at, detached,
    possible_duplicate, outcome, reason, decision on counterpart.links
  for each row execute function counterpart.tell_link();

create function counterpart.tell_intent() returns trigger language plpgsql as $$
declare
  link counterpart.links;
  told jsonb := jsonb_build_object('key', new.key, 'does', new.kind);
  told_kind text;
begin
  if tg_op = 'INSERT' then
    told_kind := 'intent';
    told := told || jsonb_build_object('fields', (select jsonb_agg(f) from jsonb_object_keys(new.values) as f));
  elsif new.ended_at is distinct from old.ended_at then
    told_kind := 'answer';
    told := told || jsonb_build_object('ending', new.ending);
  elsif new.sends > old.sends then
    told_kind := 'call';
    told := told || jsonb_build_object('sends', new.sends);
  else
    return null;
  end if;
  select * into strict link from counterpart.links l where l.id = new.link_id;
  insert into counterpart.timeline (catalog, record_id, kind, connection, link_id, run_id, request_id, version, detail)
  values (link.catalog, link.record_id, told_kind, link.connection, link.id, link.run_id, new.request_id, new.version, told);
  return null;
end
$$;
create trigger timeline_intent after insert or update of sends, ended_at on counterpart.intents
  for each row execute function counterpart.tell_intent();

-- The values themselves stand in the conflict.
create function counterpart.tell_conflict() returns trigger language plpgsql as $$
declare
  by_look constant boolean := new.cause <> 'overwritten_unseen' and new.resolution is null;
begin
  if tg_op = 'INSERT' or new.resolved_at is distinct from old.resolved_at then
    insert into counterpart.timeline (catalog, record_id, kind, connection, link_id, run_id, detail)
    values (new.catalog, new.record_id, case when tg_op = 'INSERT' then 'lost' else 'resolved' end, new.connection, new.link_id,
      case when by_look then (select run_id from counterpart.links l where l.id = new.link_id) end,
      jsonb_build_object('conflict', new.id, 'field', new.field, 'winner', new.winner, 'cause', new.cause,
        'resolution', new.resolution));
  end if;
  return null;
end
$$;
create trigger timeline_conflict after insert or update of resolved_at on counterpart.conflicts
  for each row execute function counterpart.tell_conflict();
`;

const CAPTURE = `
-- Attached to a catalog's table by counterpart.attach_catalog(table, catalog, fields...). Counts the version, keeps
-- deletions as tombstones and queues each changed record, whoever made the change: API, psql, ORM or import. As the owner of
-- the schema, not as who writes: a product's role has rights on its customers and on nothing else here. The search path is
-- fixed, or who writes could put operators of his own under the owner's rights.
create function counterpart.count_version() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
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
  if tg_op = 'DELETE' then
    -- The tombstone stands before the row is gone, so that an INSERT of the same id in the same statement goes on counting
    -- from it: a version never goes back. Row by row a bulk DELETE takes 60 us a row; one INSERT after it would take 30.
    -- A row that came back with the triggers off (a restored dump) has its old tombstone still.
    insert into counterpart.tombstones as t (catalog, record_id, version, fields, created_at)
    values (tg_argv[0], old.id, old.version + 1,
      (select jsonb_object_agg(f, to_jsonb(old) -> f) from unnest(fields) as f), old.created_at)
    on conflict (catalog, record_id) do update
      set version = greatest(t.version + 1, excluded.version), fields = excluded.fields, deleted_at = excluded.deleted_at;
    return old;
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

-- The link through which the sync writes, told to Postgres when a look locks it; null for anybody else's statement.
create function counterpart.writing_link() returns counterpart.links language plpgsql stable as $$
declare
  link counterpart.links;
begin
  if counterpart.is_own_write() then
    select * into link from counterpart.links l where l.id = nullif(current_setting('counterpart.link', true), '')::bigint;
  end if;
  return link;
end
$$;

create function counterpart.queue_inserted() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
declare
  through constant counterpart.links := counterpart.writing_link();
  overtaken boolean;
begin
  -- planned anew each time, as in queue_updated
  execute $told$
    with gone as (
      delete from counterpart.tombstones t using changed_new n where t.catalog = $1 and t.record_id = n.id
      returning t.record_id, t.fields, n.version <= t.version as overtaken),
    -- Restored before the look that would have sent the deletion, or agreed on one there that nobody has heard of yet: the
    -- restore is the later word. An object that stands goes on, one that is gone is made anew. An attempt that is at work has
    -- read the object before the restore: that it stood then is no news of it any more, so it decides nothing.
    owed as (
      update counterpart.links l set fence = counterpart.fresh_number(), look_id = counterpart.fresh_number(),
        state = case l.state when 'reserved' then 'reserved' else 'deleting' end from gone g
      where l.catalog = $1 and l.record_id = g.record_id
        and l.state in ('reserved', 'linked', 'deleting') and l.remote_id is not null),
    told as (
    insert into counterpart.timeline (catalog, record_id, kind, connection, link_id, run_id, version, changes, detail)
    select $1, n.id, 'change', $3, $4, $5, n.version,
      coalesce((select jsonb_object_agg(f, jsonb_build_array(g.fields -> f, r.new -> f)) from unnest($2) as f
        where g.fields -> f is distinct from r.new -> f), '{}'),
      jsonb_build_object('does', case when g.record_id is null then 'create' else 'restore' end)
    from changed_new n left join gone g on g.record_id = n.id cross join lateral (select to_jsonb(n) as new offset 0) as r)
    select exists (select from gone g where g.overtaken)
  $told$ into overtaken using tg_argv[0], tg_argv[1:], through.connection, through.id, through.run_id;
  -- count_version looked for the tombstone before the id's index made this INSERT wait for the transaction that deleted it
  if overtaken then
    raise exception 'the record was being deleted while it was restored' using errcode = 'serialization_failure',
      hint = 'Repeat it: its version goes on from the deletion then.';
  end if;
  if not counterpart.is_own_write() and exists (select from changed_new) then
    perform counterpart.enqueue(tg_argv[0], (select array_agg(id) from changed_new), 'local');
  end if;
  return null;
end
$$;

create function counterpart.queue_updated() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
declare
  through constant counterpart.links := counterpart.writing_link();
  ids uuid[];
begin
  -- Planned anew each time, on purpose: a plan kept from a one-row update joins in nested loops, and 100,000 rows then
  -- take hours instead of a second.
  execute $told$
    with told as (
      insert into counterpart.timeline (catalog, record_id, kind, connection, link_id, run_id, version, changes, detail)
      select $1, n.id, 'change', $3, $4, $5, n.version,
        (select jsonb_object_agg(f, jsonb_build_array(r.old -> f, r.new -> f)) from unnest($2) as f
          where r.old -> f is distinct from r.new -> f),
        jsonb_build_object('does', 'edit')
      from changed_new n join changed_old o using (id)
      cross join lateral (select to_jsonb(o) as old, to_jsonb(n) as new offset 0) as r where n.version <> o.version
      returning record_id)
    select array_agg(record_id) from told
  $told$ into ids using tg_argv[0], tg_argv[1:], through.connection, through.id, through.run_id;
  if ids is not null and not counterpart.is_own_write() then
    perform counterpart.enqueue(tg_argv[0], ids, 'local');
  end if;
  return null;
end
$$;

create function counterpart.queue_deleted() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
declare
  through constant counterpart.links := counterpart.writing_link();
begin
  execute $told$
    insert into counterpart.timeline (catalog, record_id, kind, connection, link_id, run_id, version, detail)
    select $1, o.id, 'change', $2, $3, $4, coalesce(t.version, o.version + 1), jsonb_build_object('does', 'delete')
    from changed_old o left join counterpart.tombstones t on t.catalog = $1 and t.record_id = o.id
  $told$ using tg_argv[0], through.connection, through.id, through.run_id;
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

-- Else any role could hang them on a table of its own, and write here with the owner's rights. Whoever fires a trigger needs no
-- right to its function.
revoke execute on function counterpart.count_version, counterpart.queue_inserted, counterpart.queue_updated,
  counterpart.queue_deleted from public;

create function counterpart.attach_catalog(in_table regclass, in_catalog text, variadic in_fields text[]) returns void
language plpgsql as $$
declare
  args constant text := (select string_agg(quote_literal(a), ', ') from unnest(in_catalog || in_fields) as a);
begin
  -- triggers fire in the order of their names: ours must see what the product's own made of the row
  execute format('create trigger zzz_counterpart_version before insert or update or delete on %s
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
  result text not null check (result in ('queued', 'echo', 'ignored', 'retired', 'void', 'set_aside')),
  primary key (connection, id)
);
create index events_received on counterpart.events (received_at);

create table counterpart.event_cursors (
  connection text primary key,
  event_created_at timestamptz not null,
  polled_at timestamptz not null default now(),
  -- one poller at a time: whoever holds the lease
  poller text,
  lease_until timestamptz not null default '-infinity',
  overlapped_at timestamptz not null default now()
);

-- Endpoints that we registered ourselves. The secret is told only when one is made, and verifies its deliveries.
create table counterpart.webhook_endpoints (
  connection text primary key,
  url text not null,
  endpoint_id text,
  secret text,
  trouble text check (trouble in ('forbidden', 'unsupported', 'refused', 'unavailable')),
  trouble_detail text,
  since timestamptz not null default now(),
  check ((endpoint_id is null) = (secret is null))
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

const SWEEPS = `
-- A full comparison of one connection with what stands here. Its place is kept here: whoever goes on with it, goes on there.
create table counterpart.sweeps (
  id uuid primary key default counterpart.uuidv7(),
  connection text not null,
  cause text not null check (cause in ('first', 'schedule', 'operator', 'gap', 'recovered')),
  -- the catalog under way, and how far: the other side's list, then our links, then our records
  catalog text,
  phase text not null default 'objects' check (phase in ('objects', 'links', 'records')),
  place text,
  calls bigint not null default 0,
  objects bigint not null default 0,
  records bigint not null default 0,
  found bigint not null default 0,
  -- met, and known to wait for a person
  known bigint not null default 0,
  -- why it waits, and since when; null while it goes on
  waits_for text,
  waits_since timestamptz,
  requested_at timestamptz not null default now(),
  progressed_at timestamptz,
  rung_at timestamptz,
  ended_at timestamptz,
  ending text check (ending in ('done', 'replaced')),
  check ((ended_at is null) = (ending is null))
);
-- at most one open sweep per connection
create unique index sweeps_open on counterpart.sweeps (connection) where ended_at is null;
create index sweeps_connection on counterpart.sweeps (connection);

-- Links whose object the sweep has met in the other side's list. A table of its own, emptied when the sweep ends: the links'
-- own rows stay untouched, so no look waits for a sweep.
create table counterpart.sweep_seen (
  sweep_id uuid not null references counterpart.sweeps (id) on delete cascade,
  link_id bigint not null,
  primary key (sweep_id, link_id)
);

-- What a sweep found that no hint had told of: names only, never values.
create table counterpart.sweep_findings (
  id bigint generated always as identity primary key,
  sweep_id uuid not null references counterpart.sweeps (id) on delete cascade,
  catalog text not null,
  record_id uuid not null,
  link_id bigint,
  remote_id text,
  side text not null check (side in ('here', 'there')),
  kind text not null,
  fields text[] not null default '{}',
  found_at timestamptz(3) not null default now(),
  unique (sweep_id, catalog, record_id, kind)
);
create index sweep_findings_found on counterpart.sweep_findings (found_at);

-- To be called once after an older backup was restored, before anything is started: \`select counterpart.recovered()\`, or by
-- the command or the API of the same name. Queue numbers given out after the backup was made are still held by runs and workers;
-- from here on all are greater: microseconds since 1970 outrun any sequence. Nothing is sent to a connection until a sweep has
-- read all of it, and of what waited until then the other side's newer values win.
create function counterpart.recovered() returns void language plpgsql as $$
declare
  lowest constant bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
begin
  perform setval('counterpart.work_seq', greatest(lowest, nextval('counterpart.work_seq')));
  update counterpart.connections set recovering_since = now();
  -- a row that an open transaction holds is passed by: the sweep marks it if its object differs
  update counterpart.work_queue set recovered = true
  where ctid = any(array(select ctid from counterpart.work_queue for update skip locked));
  update counterpart.sweeps set ended_at = now(), ending = 'replaced' where ended_at is null;
  insert into counterpart.sweeps (connection, cause) select name, 'recovered' from counterpart.connections;
end
$$;
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
  for (const part of [FUNCTIONS, CUSTOMERS, LINKS, GUARDS, QUEUE, TIMELINE, CAPTURE, INBOX, SWEEPS])
    await knex.raw(part);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function counterpart.link_view, counterpart.writing_link;
    drop table counterpart.delete_passes, counterpart.delete_guards, counterpart.timeline, counterpart.sweep_findings, counterpart.sweep_seen, counterpart.sweeps, counterpart.idempotency_keys, counterpart.webhook_endpoints,
      counterpart.event_cursors, counterpart.events, counterpart.owed_hints, counterpart.work_queue,
      counterpart.conflicts, counterpart.intents, counterpart.links, counterpart.paces, counterpart.connections, counterpart.tombstones,
      counterpart.customers, counterpart.installation;
    drop function counterpart.recovered, counterpart.attach_catalog, counterpart.refuse_truncate, counterpart.is_own_write, counterpart.queue_deleted,
      counterpart.queue_updated, counterpart.queue_inserted, counterpart.count_version, counterpart.place_owed, counterpart.enqueue_passing,
      counterpart.enqueue, counterpart.count_live,
      counterpart.tell_link, counterpart.tell_intent, counterpart.tell_conflict, counterpart.compared,
      counterpart.canonical_email, counterpart.fresh_number, counterpart.uuidv7;
    drop sequence counterpart.work_seq;
  `);
}
