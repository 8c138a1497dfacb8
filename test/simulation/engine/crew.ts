/** Runs seeds and named stories over several threads; each takes the next few when it is done with its last. */
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { isDrawn } from '../world/draw';
import type { Drawn } from '../world/draw';
import { addSums, emptySums } from './report';
import type { Sums } from './report';

const CHUNK_SEEDS = 25;
/** A run leaves nothing behind, so a large nursery is emptied seldom and almost for nothing: a third of the time. */
const YOUNG_MB = 384;
/** All cores run seeds already: V8's helpers at a nursery of which little is left cost a tenth more, and gain nothing. */
const GC_ALONE = ['--no-parallel-scavenge', '--no-concurrent-marking'];
/** So many wrong ones tell enough. */
const FAILING_MAX = 3;

/** `boundaries`: of named stories, each with a death at every boundary between two effects. */
export type Kind = Drawn | 'stories' | 'boundaries';

export interface Chunk {
  readonly of: Kind;
  readonly first: number;
  readonly count: number;
}

export type Answer =
  { readonly kind: 'sums'; readonly sums: Sums } | { readonly kind: 'broke'; readonly why: string };

export interface Work {
  readonly of: Kind;
  readonly first: number;
  readonly count: number;
  readonly threads: number;
  /** Asked before each chunk: whether it is time to stop. */
  readonly over: () => boolean;
}

export async function runAll({ of, first, count, threads, over }: Work): Promise<Sums> {
  for (const flag of GC_ALONE) setFlagsFromString(flag);
  const sums = emptySums();
  const most = isDrawn(of) ? CHUNK_SEEDS : 1;
  let next = first;
  const chunk = (): Chunk | null => {
    const left = first + count - next;
    if (left <= 0 || over() || sums.failing.length >= FAILING_MAX) return null;
    const taken = { of, first: next, count: Math.min(most, left) };
    next += taken.count;
    return taken;
  };
  await Promise.all(Array.from({ length: threads }, () => serve(chunk, sums)));
  return sums;
}

function serve(chunk: () => Chunk | null, sums: Sums): Promise<void> {
  return new Promise((done, broken) => {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
    const worker = new Worker(path.join(__dirname, 'thread.js'), { resourceLimits });
    // a thread's messages have no origin
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    const give = (): void => worker.postMessage(chunk());
    worker.on('message', (answer: Answer) => {
      if (answer.kind === 'broke') {
        broken(new Error(answer.why));
        return;
      }
      addSums(sums, answer.sums);
      give();
    });
    worker.on('error', broken);
    worker.on('exit', () => done());
    give();
  });
}
