/**
 * A TCP proxy that does what networks do. It knows nothing of what passes through it: Postgres, gRPC and HTTP are bytes.
 * All figures are of the side that connected (the client) and the side it wanted (the server).
 */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from '../simulation/engine/ports';

export type Trouble =
  /** What stands is ended, what is new is refused, until healed. */
  | { readonly kind: 'cut' }
  /** What stands is reset (RST) every so often; what is new passes until the next time. */
  | { readonly kind: 'reset'; readonly every_ms: number }
  /** Nothing passes in either direction; what was sent meanwhile arrives when it has healed. */
  | { readonly kind: 'blackhole' }
  /** Everything arrives so much later, in order. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** What stands has lost its server without a word, for ever: the client hears nothing any more. What is new passes. */
  | { readonly kind: 'half-open' }
  /** So many bytes at a time, so many milliseconds apart. */
  | { readonly kind: 'slow-drip'; readonly bytes: number; readonly every_ms: number }
  /** Each connection once: a request passes, its answer does not; then the client is reset. */
  | { readonly kind: 'answer-lost'; readonly after_ms: number };

export const TROUBLES = [
  'cut',
  'reset',
  'blackhole',
  'delay',
  'half-open',
  'slow-drip',
  'answer-lost',
] as const satisfies ReadonlyArray<Trouble['kind']>;

const HOST = '127.0.0.1';
/** Requests that pass, at most, before the one whose answer is lost. */
const LOST_AFTER_REQUESTS_MAX = 3;
/** A side that sends more than this while its bytes are held back is not read any further. */
const HELD_MAX_BYTES = 256 * 1024;

/** Bytes on their way from one side to the other. */
class Flow {
  private readonly waiting: Array<{ readonly chunk: Buffer; readonly due: number }> = [];
  private held = 0;
  private pumping = false;
  private ended = false;
  /** What comes is thrown away. */
  deaf = false;

  constructor(
    private readonly from: net.Socket,
    private readonly to: net.Socket,
    private readonly trouble: () => Trouble | null,
  ) {
    from.on('end', () => {
      this.ended = true;
      this.pump();
    });
  }

  take(chunk: Buffer): void {
    if (this.deaf) return;
    const trouble = this.trouble();
    const now = Date.now();
    const last = this.waiting.at(-1)?.due ?? now;
    if (trouble?.kind === 'slow-drip') {
      for (let at = 0; at < chunk.length; at += trouble.bytes) {
        const due = Math.max(now, last) + (at / trouble.bytes) * trouble.every_ms;
        this.waiting.push({ chunk: chunk.subarray(at, at + trouble.bytes), due });
      }
    } else {
      this.waiting.push({ chunk, due: trouble?.kind === 'delay' ? now + trouble.ms : now });
    }
    this.held += chunk.length;
    if (this.held > HELD_MAX_BYTES) this.from.pause();
    this.pump();
  }

  /** Lets go what is due; asks itself again for the rest. Called when anything may have become possible. */
  pump(): void {
    if (this.pumping) return;
    while (this.trouble()?.kind !== 'blackhole') {
      const first = this.waiting[0];
      if (first === undefined) {
        if (this.ended) this.to.end();
        return;
      }
      const wait = this.trouble() === null ? 0 : first.due - Date.now();
      if (wait > 0) {
        this.pumping = true;
        setTimeout(() => {
          this.pumping = false;
          this.pump();
        }, wait).unref();
        return;
      }
      this.waiting.shift();
      this.held -= first.chunk.length;
      if (this.from.isPaused() && this.held <= HELD_MAX_BYTES) this.from.resume();
      if (!this.deaf && this.to.writable) this.to.write(first.chunk);
    }
  }
}

class Passage {
  private up: Flow | null = null;
  private down: Flow | null = null;
  private server: net.Socket | null = null;
  /** Requests until the one whose answer is lost; null: none of this trouble. */
  private untilLoss: number | null = null;
  private silent = false;

  constructor(
    private readonly client: net.Socket,
    private readonly port: number,
    private readonly trouble: () => Trouble | null,
    private readonly onLoss: (ms: number) => void,
  ) {
    client.setNoDelay(true);
    // broken connections are what this is for; the other side is told by 'close'
    client.on('error', () => client.destroy());
  }

  /** Connects to the server. While nothing passes, the client waits for it. */
  open(): void {
    if (this.server !== null || this.client.destroyed) return;
    const server = net.connect(this.port, HOST);
    this.server = server;
    server.setNoDelay(true);
    server.on('error', () => server.destroy());
    this.up = new Flow(this.client, server, this.trouble);
    this.down = new Flow(server, this.client, this.trouble);
    const { up, down } = this;
    this.client.on('data', (chunk: Buffer) => {
      up.take(chunk);
      this.noteRequest();
    });
    server.on('data', (chunk: Buffer) => down.take(chunk));
    this.client.on('close', () => server.destroy());
    server.on('close', () => {
      if (!this.silent && this.trouble()?.kind !== 'blackhole') this.client.destroySoon();
    });
  }

  pump(): void {
    this.open();
    this.up?.pump();
    this.down?.pump();
    if (this.server?.destroyed === true && !this.silent) this.client.destroySoon();
  }

  destroy(): void {
    this.client.destroy();
    this.server?.destroy();
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.server?.resetAndDestroy();
  }

  /** The server is gone and nobody says so. */
  fallSilent(): void {
    this.silent = true;
    if (this.up !== null) this.up.deaf = true;
    if (this.down !== null) this.down.deaf = true;
    this.server?.destroy();
  }

  loseAnswer(afterRequests: number): void {
    this.untilLoss = afterRequests;
  }

  private noteRequest(): void {
    const trouble = this.trouble();
    if (trouble?.kind !== 'answer-lost' || this.untilLoss === null) return;
    this.untilLoss -= 1;
    if (this.untilLoss > 0) return;
    this.untilLoss = null;
    if (this.down !== null) this.down.deaf = true;
    this.onLoss(trouble.after_ms);
    setTimeout(() => this.reset(), trouble.after_ms).unref();
  }
}

export interface Proxy {
  readonly port: number;
  /** Answers that were lost so far. */
  readonly lost: () => number;
  begin(trouble: Trouble): void;
  heal(): void;
  /** Everything that stands, and what is on its way, is gone. */
  drop(): void;
  close(): Promise<void>;
}

/** @param ports of the servers behind it; each new connection takes the next one */
export async function startProxy(ports: readonly number[], chance: Chance): Promise<Proxy> {
  const passages = new Set<Passage>();
  let trouble: Trouble | null = null;
  let next = 0;
  let lost = 0;
  let stopResets: AbortController | null = null;

  const server = net.createServer({ pauseOnConnect: false }, (client) => {
    const port = ports[next % ports.length] ?? 0;
    next += 1;
    const passage = new Passage(
      client,
      port,
      () => trouble,
      () => void (lost += 1),
    );
    passages.add(passage);
    client.on('close', () => passages.delete(passage));
    if (trouble?.kind === 'cut') return passage.destroy();
    if (trouble?.kind === 'answer-lost') passage.loseAnswer(1 + chance.int(LOST_AFTER_REQUESTS_MAX));
    if (trouble?.kind !== 'blackhole') passage.open();
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no TCP port');

  async function resetEvery(ms: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const passage of passages) passage.reset();
      // healed meanwhile: the loop ends
      await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  function heal(): void {
    stopResets?.abort();
    stopResets = null;
    trouble = null;
    for (const passage of passages) passage.pump();
  }

  return {
    port: address.port,
    lost: () => lost,
    heal,
    begin(wanted) {
      heal();
      trouble = wanted;
      if (wanted.kind === 'cut') for (const passage of passages) passage.destroy();
      if (wanted.kind === 'half-open') for (const passage of passages) passage.fallSilent();
      if (wanted.kind === 'answer-lost') {
        for (const passage of passages) passage.loseAnswer(1 + chance.int(LOST_AFTER_REQUESTS_MAX));
      }
      if (wanted.kind === 'reset') {
        stopResets = new AbortController();
        void resetEvery(wanted.every_ms, stopResets.signal);
      }
    },
    drop() {
      for (const passage of passages) passage.destroy();
    },
    async close() {
      heal();
      const closed = once(server, 'close');
      server.close();
      for (const passage of passages) passage.destroy();
      await closed;
    },
  };
}
