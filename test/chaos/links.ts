/** A TCP proxy of its own for each process and what it talks to: one can be cut off while the other is not. */
import { anyFreePort } from '../../src/embedded/ports';
import { seededChance } from './chance';
import { startProxy } from './proxy';
import type { Proxy } from './proxy';

export const LINK_KINDS = [
  'api-postgres',
  'worker-postgres',
  'worker-temporal',
  'worker-simulator',
  'webhooks',
] as const;
export type LinkKind = (typeof LINK_KINDS)[number];
export interface Link {
  readonly name: string;
  readonly kind: LinkKind;
  readonly proxy: Proxy;
}

export interface Ports {
  readonly postgres: number;
  readonly temporal: number;
  readonly temporalUi: number;
  readonly simulator: number;
  readonly apis: readonly [number, number];
  readonly workers: readonly [number, number];
}

export async function choosePorts(): Promise<Ports> {
  const free = new Set<number>();
  while (free.size < 8) free.add(await anyFreePort());
  const [postgres, temporal, temporalUi, simulator, a, b, c, d] = [...free] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { postgres, temporal, temporalUi, simulator, apis: [a, b], workers: [c, d] };
}

export const SIDES = ['a', 'b'] as const;

export async function startLinks(ports: Ports, seed: number): Promise<Link[]> {
  const link = async (name: string, kind: LinkKind, behind: readonly number[]): Promise<Link> => ({
    name,
    kind,
    proxy: await startProxy(behind, seededChance(seed, `proxy ${name}`)),
  });
  const perSide = SIDES.flatMap((side) => [
    link(`api-${side}->postgres`, 'api-postgres', [ports.postgres]),
    link(`worker-${side}->postgres`, 'worker-postgres', [ports.postgres]),
    link(`worker-${side}->temporal`, 'worker-temporal', [ports.temporal]),
    link(`worker-${side}->simulator`, 'worker-simulator', [ports.simulator]),
  ]);
  return Promise.all([...perSide, link('simulator->apis', 'webhooks', ports.apis)]);
}

export function portOf(links: readonly Link[], name: string): number {
  const found = links.find((link) => link.name === name);
  if (found === undefined) throw new Error(`There is no link ${name}`);
  return found.proxy.port;
}
