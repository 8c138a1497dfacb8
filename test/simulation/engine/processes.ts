/** The processes of a run: the api and one or two workers. They die and are started again; what they share goes on. */
import type { ProcessName } from '../world/plan';
import { openLife, startWorker } from './workerProcess';
import type { Life, WorkerLife } from './workerProcess';
import type { Surroundings } from './surroundings';

/** A death that nobody planned: the supervisor starts the process again after so long. */
const RESTART_MS = 5_000;

export class Processes {
  private readonly workers = new Map<ProcessName, WorkerLife>();
  private apiLife: Life | null = null;
  /** Called when a life ends: what it had begun has an unknown outcome. */
  onDeath: (life: Life) => void = () => undefined;

  constructor(private readonly world: Surroundings) {}

  /** Null while it is dead. */
  get api(): Life | null {
    return this.apiLife;
  }

  start(name: ProcessName): void {
    if (this.find(name) !== null) return;
    if (name === 'api') this.apiLife = openLife(this.world, name);
    else this.workers.set(name, startWorker(this.world, name));
  }

  startAll(): void {
    for (const name of ['api', ...this.world.plan.workers] as const) this.start(name);
  }

  find(name: ProcessName): Life | null {
    return name === 'api' ? this.apiLife : (this.workers.get(name) ?? null);
  }

  /** The process that this life is of, while it lives. */
  nameOf(life: object): ProcessName | null {
    if (this.apiLife?.owner === life) return 'api';
    for (const [name, { owner }] of this.workers) if (owner === life) return name;
    return null;
  }

  end(name: ProcessName): void {
    const life = this.find(name);
    if (life === null) return;
    life.owner.alive = false;
    life.session.drop();
    if (name === 'api') this.apiLife = null;
    const worker = this.workers.get(name);
    this.workers.delete(name);
    const { temporal } = this.world;
    if (worker !== undefined) {
      temporal.workers.splice(temporal.workers.indexOf(worker.worker), 1);
      temporal.activities.miss(worker.worker);
    }
    this.onDeath(life);
  }

  /** It dies at once, and is started again after `for_ms`; a random while where none is given. */
  kill(name: ProcessName, for_ms?: number): void {
    if (this.find(name) === null) return;
    const { scheduler, temporal, chance, tally } = this.world;
    scheduler.note(`${name} dies`);
    tally.crashes += 1;
    this.end(name);
    scheduler.after(temporal.owner, for_ms ?? chance.int(RESTART_MS), `${name} starts again`, () =>
      this.start(name),
    );
  }

  notifyAll(): void {
    this.world.lastNews_ms = this.world.scheduler.now_ms();
    for (const worker of this.workers.values()) worker.notify();
  }

  get busy(): boolean {
    return [...this.workers.values()].some(({ worker }) => worker.underWay > 0);
  }
}
