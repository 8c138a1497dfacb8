/** The product's own code: writes its table in its own transactions, and is told what became of them or not. */
import type { RecordId } from '../../../src/core/ids';
import type { WriteHere } from '../world/plan';
import type { WriteFate } from './outcome';
import type { ProductWrites } from './ports';
import type { Processes } from './processes';
import type { Surroundings } from './surroundings';
import type { Life } from './workerProcess';

const API_AWAY_MS = 250;

/** A write that was begun and of which nothing was heard yet. */
interface Begun {
  readonly life: Life;
  /** Notes that nobody will ever know. */
  readonly lost: () => void;
}

/** Postgres broke the connection: what it had been told last is done or not. */
function isBroken(error: unknown): boolean {
  return codeOf(error).startsWith('57') || codeOf(error).startsWith('08');
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

function fateAfter(error: unknown): WriteFate {
  if (isBroken(error)) return 'unknown';
  return codeOf(error).startsWith('23') ? 'refused' : 'failed';
}

async function apply(
  product: ProductWrites,
  { does, fields }: WriteHere,
  record: RecordId,
): Promise<boolean> {
  switch (does) {
    case 'insert':
    case 'restore':
      await product.insert(record, fields);
      return true;
    case 'update':
      return product.update(record, fields);
    case 'remove':
      return product.remove(record);
  }
}

export class Product {
  private readonly open = new Set<Begun>();

  constructor(
    private readonly world: Surroundings,
    private readonly processes: Processes,
    private readonly sleep: (ms: number) => Promise<void>,
  ) {
    processes.onDeath = (life) => {
      for (const begun of this.open) if (begun.life === life) begun.lost();
    };
  }

  /** Writes in one transaction, by the api; resolves when its outcome is known, or never will be. */
  async write(
    act: number,
    writes: readonly WriteHere[],
    ends: 'commit' | 'rollback',
    recordFor: (write: WriteHere) => RecordId,
  ): Promise<void> {
    let life = this.processes.api;
    for (; life === null; life = this.processes.api) await this.sleep(API_AWAY_MS);
    const { scheduler } = this.world;
    const begun = scheduler.steps;
    const records = writes.map(recordFor);
    const note = (fates: readonly WriteFate[]): void => {
      const ended = { begun, ended: scheduler.steps, at_ms: scheduler.now_ms() };
      for (const [place, { does, fields }] of writes.entries()) {
        const [record, fate] = [records[place], fates[place]];
        if (record === undefined || fate === undefined) throw new Error('A write without a fate');
        scheduler.note(`${does} of ${record}: ${fate}`);
        this.world.written.push({ act, does, record, fields, fate, ...ended });
      }
    };
    await new Promise<void>((told) => {
      const open: Begun = {
        life,
        lost: () => {
          this.open.delete(open);
          note(writes.map(() => 'unknown'));
          told();
        },
      };
      this.open.add(open);
      const attempt = async (): Promise<void> => {
        const fates = await this.attempt(life, writes, records, ends);
        if (!this.open.delete(open)) return;
        note(fates);
        told();
      };
      attempt().catch((error: unknown) => scheduler.fail(error));
    });
  }

  private async attempt(
    { session: { product } }: Life,
    writes: readonly WriteHere[],
    records: readonly RecordId[],
    ends: 'commit' | 'rollback',
  ): Promise<WriteFate[]> {
    const fates: WriteFate[] = [];
    const all = async (within: ProductWrites): Promise<void> => {
      fates.length = 0;
      for (const [place, write] of writes.entries()) {
        const done = await apply(within, write, records[place] as RecordId);
        fates.push(done ? 'ok' : 'refused');
      }
    };
    try {
      if (writes.length === 1 && ends === 'commit') await all(product);
      else {
        await product.together(async (within) => {
          await all(within);
          return ends;
        });
      }
    } catch (error) {
      if (codeOf(error) === '') throw error;
      return writes.map(() => fateAfter(error));
    }
    return ends === 'rollback' ? writes.map(() => 'rolled_back') : fates;
  }
}
