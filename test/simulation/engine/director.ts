/** Makes happen what the plan says: at its times, or while the calls it names are under way. */
import type { RecordId } from '../../../src/core/ids';
import { parseCatalogName, parseConnectionName, parseRecordId, trusted } from '../../../src/core/ids';
import { workflowId } from '../../../src/temporal/names';
import { CODES, DatabaseFailure } from '../store/failure';
import type { CallMoment } from '../world/calls';
import { recordOf } from '../world/plan';
import type { Act, Deed, Operation, Where, Who } from '../world/plan';
import type { Life } from './workerProcess';
import type { Product } from './product';
import type { Processes } from './processes';
import type { Surroundings } from './surroundings';

const CUSTOMER = trusted(parseCatalogName('customer'), 'catalog name');

const AGAIN_MS = 1_000;
const CALLS_OUTLIVE_MS = 3_600_000;

interface Awaited {
  readonly connection: Where;
  readonly operation: Operation;
  readonly phase: CallMoment['phase'];
  readonly nth: number;
  readonly place: number;
}

export class Director {
  /** Acts that were begun and are not over. */
  underWay = 0;
  /** Milliseconds by which Postgres's clock differs. */
  skew_ms = 0;
  /** Virtual time until which some outage or other state of the plan lasts. */
  lasts_ms = 0;
  private readonly counts = new Map<string, number>();
  private awaited: Awaited[] = [];
  private due = 0;

  constructor(
    private readonly world: Surroundings,
    private readonly processes: Processes,
    private readonly product: Product,
    /** Of the operator: it never dies. */
    private readonly life: Life,
  ) {}

  /** Begins the acts of one stretch between two rests. @param first its place in the plan's list */
  begin(acts: readonly Act[], first: number): void {
    const { scheduler, temporal } = this.world;
    this.counts.clear();
    this.awaited = [];
    for (const [index, { when, deed }] of acts.entries()) {
      const place = first + index;
      if (when.kind === 'call') {
        const { connection, operation, phase, nth } = when;
        this.awaited.push({ connection, operation, phase, nth, place });
      } else {
        this.due += 1;
        scheduler.after(temporal.owner, when.ms, `act ${place}: ${deed.kind}`, () => {
          this.due -= 1;
          this.perform(deed, place).catch((error: unknown) => scheduler.fail(error));
        });
      }
    }
  }

  /** All acts with a time are over, and whatever they asked for lasts no longer. */
  get idle(): boolean {
    return this.due === 0 && this.underWay === 0 && this.world.scheduler.now_ms() >= this.lasts_ms;
  }

  /** @returns what the call is held for, or null */
  onMoment({ connection, operation, phase }: CallMoment): Promise<void> | null {
    if (this.awaited.length === 0) return null;
    const name = `${connection} ${operation} ${phase}`;
    const nth = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, nth);
    const met = this.awaited.filter(
      (one) =>
        one.connection === connection &&
        one.operation === operation &&
        one.phase === phase &&
        one.nth === nth,
    );
    if (met.length === 0) return null;
    this.awaited = this.awaited.filter((one) => !met.includes(one));
    const acts = met.map(({ place }) => {
      const act = this.world.plan.acts[place];
      if (act === undefined) throw new Error(`The plan has no act ${place}`);
      return this.perform(act.deed, place);
    });
    return Promise.all(acts).then(() => undefined);
  }

  private async perform(deed: Deed, place: number): Promise<void> {
    this.underWay += 1;
    const { world } = this;
    world.lastNews_ms = world.scheduler.now_ms();
    world.tally.acts[deed.kind] = (world.tally.acts[deed.kind] ?? 0) + 1;
    world.scheduler.note(`act ${place}: ${deed.kind}`);
    try {
      await this.doIt(deed, place);
    } finally {
      this.underWay -= 1;
    }
  }

  private last(for_ms: number): void {
    this.lasts_ms = Math.max(this.lasts_ms, this.world.scheduler.now_ms() + for_ms);
  }

  private async doIt(deed: Deed, place: number): Promise<void> {
    const { world, processes } = this;
    const { scheduler, remotes, temporal } = world;
    switch (deed.kind) {
      case 'write here': {
        const born = await this.bornRecords(deed.writes.map(({ who }) => who));
        const recordFor = ({ who }: { who: Who }): RecordId => born.get(who) ?? recordOf(who);
        return this.product.write(place, deed.writes, deed.ends, recordFor);
      }
      case 'edit there':
      case 'plant there':
      case 'erase there':
      case 'copy mark': {
        const concerned = deed.kind === 'copy mark' ? [deed.from, deed.to] : [deed.who];
        const born = await this.bornRecords(concerned);
        const { fate } = remotes.perform(deed, (who) => born.get(who) ?? null);
        scheduler.note(`${deed.kind}: ${fate}`);
        return;
      }
      case 'kill':
        this.last(deed.for_ms);
        return processes.kill(deed.process, deed.for_ms);
      case 'stall': {
        const life = processes.find(deed.process);
        if (life !== null) scheduler.stall(life.owner, deed.for_ms);
        return;
      }
      case 'outage':
        this.last(deed.for_ms);
        return deed.how === 'other account' ? this.useOtherKey(deed) : remotes.order(deed);
      case 'webhooks lost':
        this.last(deed.for_ms);
        return remotes.order(deed);
      case 'fault':
      case 'redeliver':
        return remotes.order(deed);
      case 'leap':
        // nobody sleeps for an hour in the middle of a call and then sends it: the machines were off
        if (deed.ms > CALLS_OUTLIVE_MS) {
          for (const name of ['api', ...world.plan.workers] as const) processes.kill(name, 1);
        }
        return scheduler.leap(deed.ms);
      case 'skew':
        this.skew_ms += deed.ms;
        return;
      case 'temporal down':
        this.last(deed.for_ms);
        temporal.setDown(true);
        scheduler.after(this.life.owner, deed.for_ms, 'temporal is up again', () => temporal.setDown(false));
        return;
      case 'temporal wiped':
        return temporal.wipe();
      case 'terminate': {
        const record = (await this.bornRecords([deed.who])).get(deed.who) ?? recordOf(deed.who);
        temporal.terminate(workflowId(CUSTOMER, record));
        return;
      }
      case 'sweep':
        await this.sweep(deed.connection);
        return;
      case 'hint': {
        const record = (await this.bornRecords([deed.who])).get(deed.who) ?? recordOf(deed.who);
        await this.pressed(() => this.life.session.store.queue.enqueue(CUSTOMER, [record], 'operator'));
        return;
      }
      case 'rest':
        throw new Error('A rest is no act');
    }
  }

  /** A key opens one account (A8): it is set right by a restart, so no attempt meets another account and then the right one. */
  private useOtherKey(deed: Extract<Deed, { kind: 'outage' }>): void {
    const { world, processes } = this;
    world.remotes.order({ ...deed, for_ms: Number.POSITIVE_INFINITY });
    world.scheduler.after(this.life.owner, deed.for_ms, 'the key is set right', () => {
      for (const name of ['api', ...world.plan.workers] as const) processes.kill(name, 1);
      world.remotes.order({ ...deed, for_ms: 0 });
    });
  }

  async sweep(connection: string): Promise<void> {
    const name = trusted(parseConnectionName(connection), 'connection name');
    await this.pressed(() => this.life.session.store.sweeps.request(name, 'operator'));
  }

  /** An operator presses again where a lock was in the way. */
  private async pressed(work: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await work();
        return;
      } catch (error) {
        if (!(error instanceof DatabaseFailure) || error.code !== CODES.lockTimeout) throw error;
        await this.life.turns.sleep(AGAIN_MS, 'the operator presses again');
      }
    }
  }

  /** Records that the product made for objects born there. */
  private async bornRecords(whos: readonly Who[]): Promise<Map<Who, RecordId>> {
    const { remotes, database } = this.world;
    const born = new Map<Who, RecordId>();
    if (!whos.some((who) => remotes.plantedFor(who).length > 0)) return born;
    const { links, customers, tombstones } = await database.contents(['links', 'customers', 'tombstones']);
    // an id that is only reserved is known to nobody outside
    const ids = [...customers.map(({ id }) => id), ...tombstones.map(({ record_id: id }) => id)];
    const known = new Set(ids.map(String));
    for (const who of whos) {
      for (const { connection, remoteId } of remotes.plantedFor(who)) {
        const link = links.find((row) => row['connection'] === connection && row['remote_id'] === remoteId);
        const record = link === undefined ? null : parseRecordId(String(link['record_id']));
        if (record !== null && known.has(record)) born.set(who, record);
      }
    }
    return born;
  }
}
