/** Clients of both sides: they carry the planned operations out and keep what they were told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createDirectory } from './directory';
import type { Directory, Known } from './directory';
import { failureOf } from './dashboard';
import type { Told } from './dashboard';
import type { Operation, Result } from './history';
import type { PlannedOperation } from './operations';
import type { Stage } from './stage';

const CALL_MS = 10_000;
/** A request under a key is repeated until it is answered, this often at most. */
const REPEATS_MAX = 6;
const REPEAT_AFTER_MS = 1_500;
/** Records beyond this are edited rather than joined by more, so that clients meet. */
const LIVE_MAX = 28;

interface Target {
  readonly known: Known | null;
  readonly planned: PlannedOperation;
}

type Done = Pick<Operation, 'result' | 'told' | 'recordId' | 'remoteId'>;

export interface Clients {
  /** Carries out what is planned, each at its time. Resolves when the last one was told what became of it. */
  run(planned: readonly PlannedOperation[], signal: AbortSignal): Promise<void>;
  history(): readonly Operation[];
  stop(): void;
}

function resultOf(told: Told): { result: Result; told: string } {
  if (told.kind === 'refused') return { result: 'failed', told: 'nobody listened' };
  if (told.kind === 'unknown') return { result: 'unknown', told: 'no answer' };
  if (told.status < 300) return { result: 'ok', told: String(told.status) };
  // what broke behind the door may have happened all the same
  return { result: told.status >= 500 ? 'unknown' : 'failed', told: String(told.status) };
}

function idIn(told: Told): string | null {
  if (told.kind !== 'answered' || typeof told.body !== 'object' || told.body === null) return null;
  const { id } = told.body as { id?: unknown };
  return typeof id === 'string' && told.status < 300 ? id : null;
}

export function createClients(stage: Stage): Clients {
  const history: Operation[] = [];
  const directory: Directory = createDirectory(stage.pool);

  async function rest(index: number, method: string, route: string, target: Target): Promise<Told> {
    const { planned, known } = target;
    const tag =
      planned.ifMatch === 'none' || known === null
        ? {}
        : { 'if-match': `"${planned.ifMatch === 'seen' ? known.version : Math.max(0, known.version - 1)}"` };
    try {
      const answer = await fetch(stage.apis[index]! + route, {
        method,
        signal: AbortSignal.timeout(CALL_MS),
        headers: {
          ...(method === 'DELETE' ? {} : { 'content-type': 'application/json' }),
          ...(method === 'PATCH' || method === 'DELETE' ? tag : {}),
          ...(planned.key === null ? {} : { 'idempotency-key': planned.key }),
        },
        ...(planned.kind === 'create' || planned.kind === 'edit'
          ? { body: JSON.stringify(planned.values) }
          : {}),
      });
      const text = await answer.text();
      return { kind: 'answered', status: answer.status, body: text === '' ? null : JSON.parse(text) };
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Under a key the same request is sent again, to the other api, until somebody says what became of it. */
  async function insist(first: number, method: string, route: string, target: Target): Promise<Told> {
    let unknown = false;
    for (let attempt = 0; ; attempt += 1) {
      const told = await rest((first + attempt) % 2, method, route, target);
      const { result } = resultOf(told);
      const running = told.kind === 'answered' && told.status === 409 && attempt > 0;
      if (result === 'ok' || (result === 'failed' && told.kind === 'answered' && !running)) {
        // refused now, but what an earlier try did is not told by that
        return result === 'failed' && unknown ? { kind: 'unknown' } : told;
      }
      unknown ||= result === 'unknown' || running;
      if (target.planned.key === null || attempt === REPEATS_MAX) return unknown ? { kind: 'unknown' } : told;
      await sleep(REPEAT_AFTER_MS);
    }
  }

  async function byRest(target: Target): Promise<Done> {
    const { planned, known } = target;
    const first = planned.via === 'api-a' ? 0 : 1;
    const id = known?.recordId ?? '';
    const [method, route] = {
      create: ['POST', '/customers'],
      edit: ['PATCH', `/customers/${id}`],
      delete: ['DELETE', `/customers/${id}`],
      restore: ['POST', `/customers/${id}/restore`],
    }[planned.kind] as [string, string];
    const told = await insist(first, method, route, target);
    const recordId = planned.kind === 'create' ? idIn(told) : id;
    return { ...resultOf(told), recordId, remoteId: null };
  }

  async function bySql({ planned, known }: Target): Promise<Done> {
    const fields = Object.entries(planned.values);
    const id = known?.recordId ?? null;
    const values = fields.map(([, value]) => value ?? null);
    const statement = {
      create: `insert into counterpart.customers (${fields.map(([name]) => name).join(', ')})
        values (${fields.map((_, i) => `$${i + 1}`).join(', ')}) returning id`,
      edit: `update counterpart.customers set ${fields.map(([name], i) => `${name} = $${i + 1}`).join(', ')}
        where id = $${fields.length + 1} returning id`,
      delete: 'delete from counterpart.customers where id = $1 returning id',
      restore: `insert into counterpart.customers (id, name, email)
        select record_id, fields ->> 'name', fields ->> 'email' from counterpart.tombstones
        where catalog = 'customer' and record_id = $1 returning id`,
    }[planned.kind];
    const given = planned.kind === 'create' ? values : planned.kind === 'edit' ? [...values, id] : [id];
    let sent = false;
    try {
      const client = await stage.pool.connect();
      const onError = (): void => undefined;
      client.on('error', onError);
      try {
        sent = true;
        const { rows } = await client.query<{ id: string }>({ text: statement, values: given });
        const recordId = rows[0]?.id ?? id;
        return {
          result: rows.length > 0 ? 'ok' : 'failed',
          told: `${rows.length} rows`,
          recordId,
          remoteId: null,
        };
      } finally {
        client.off('error', onError);
        client.release();
      }
    } catch (error) {
      // an error of Postgres itself has a five-letter code, and undid the statement; all else broke the connection
      const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
      const undone = !sent || (/^[0-9A-Z]{5}$/.test(code) && !/^(57P|08)/.test(code));
      return {
        result: undone ? 'failed' : 'unknown',
        told: code || 'no answer',
        recordId: id,
        remoteId: null,
      };
    }
  }

  async function atStripe({ planned, known }: Target): Promise<Done> {
    const id = known?.remoteId ?? null;
    const params = Object.fromEntries(
      Object.entries(planned.values).map(([name, value]) => [name, value ?? '']),
    );
    const told = await {
      create: () => stage.dashboard.call('POST', '/v1/customers', params),
      edit: () => stage.dashboard.call('POST', `/v1/customers/${id ?? ''}`, params),
      delete: () => stage.dashboard.call('DELETE', `/v1/customers/${id ?? ''}`),
      restore: () => Promise.reject(new Error('Nobody restores at Stripe')),
    }[planned.kind]();
    const remoteId = planned.kind === 'create' ? idIn(told) : id;
    return { ...resultOf(told), recordId: null, remoteId };
  }

  async function carryOut(drawn: PlannedOperation): Promise<void> {
    const planned =
      drawn.kind === 'create' && drawn.at_ms > 0 && directory.live().length >= LIVE_MAX
        ? { ...drawn, kind: 'edit' as const, key: null }
        : drawn;
    const here = planned.via !== 'dashboard';
    const candidates =
      planned.kind === 'restore'
        ? directory.dead()
        : directory.live().filter(({ remoteId }) => here || remoteId !== null);
    const known =
      planned.kind === 'create' ? null : (candidates[Math.floor(planned.which * candidates.length)] ?? null);
    if (planned.kind !== 'create' && known === null) return;
    const begin = Date.now();
    const done = await (planned.via === 'dashboard' ? atStripe : planned.via === 'sql' ? bySql : byRest)({
      planned,
      known,
    });
    history.push({
      number: planned.number,
      kind: planned.kind,
      side: here ? 'here' : 'there',
      via: planned.via,
      values: planned.values,
      begin,
      end: Date.now(),
      ...done,
    });
  }

  return {
    async run(planned, signal) {
      const began = Date.now();
      const underWay: Promise<void>[] = [];
      directory.start();
      for (const operation of planned) {
        const wait = operation.at_ms - (Date.now() - began);
        // stopped while it waited: what was planned for later is not done
        if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) break;
        underWay.push(carryOut(operation));
      }
      await Promise.all(underWay);
    },
    history: () => history,
    stop: () => directory.stop(),
  };
}
