/**
 * The rooms and what each may import: the one definition. docs/ARCHITECTURE.md shows the same table, and a test compares.
 */
export interface Room {
  /** Folder, without a trailing slash. The longest one that fits a file is its room. */
  readonly folder: string;
  readonly verb: string;
  /** Rooms whose values and types it may import, besides itself. */
  readonly rooms: readonly string[];
  /** Rooms of which it may take types only. */
  readonly types: readonly string[];
  /** Packages; `node:*` stands for all of Node's own. */
  readonly packages: readonly string[];
}

const EVERY_PRODUCT_ROOM = [
  'migrations',
  'activities',
  'src/core',
  'src/catalogs',
  'src/connectors',
  'src/store',
  'src/connections',
  'src/pace',
  'src/queue',
  'src/inbound',
  'src/observability',
  'src/temporal',
  'src/api',
  'src/cli',
  'src/config',
  'src/embedded',
] as const;

export const ROOMS: readonly Room[] = [
  { folder: 'src/core', verb: 'decide', rooms: [], types: [], packages: [] },
  { folder: 'src/catalogs', verb: 'define', rooms: ['src/core'], types: [], packages: [] },
  {
    folder: 'src/connectors',
    verb: 'talk',
    rooms: ['src/core', 'src/catalogs'],
    types: [],
    packages: ['node:*', 'stripe', 'zod'],
  },
  {
    folder: 'src/store',
    verb: 'keep',
    rooms: ['src/core', 'src/catalogs', 'migrations'],
    types: ['src/connectors'],
    packages: ['node:*', 'knex', 'pg'],
  },
  {
    folder: 'src/connections',
    verb: 'identify',
    rooms: ['src/core', 'src/connectors', 'src/store'],
    types: [],
    packages: [],
  },
  {
    folder: 'src/pace',
    verb: 'pace',
    rooms: ['src/core', 'src/connectors', 'src/connections'],
    types: ['src/store'],
    packages: ['node:*'],
  },
  {
    folder: 'activities',
    verb: 'do',
    rooms: ['src/core', 'src/catalogs', 'src/connectors', 'src/connections'],
    types: ['src/store'],
    packages: ['@temporalio/common'],
  },
  {
    folder: 'workflows',
    verb: 'order',
    rooms: ['src/core'],
    types: ['activities'],
    packages: ['@temporalio/workflow'],
  },
  { folder: 'src/queue', verb: 'ring', rooms: [], types: ['src/store'], packages: ['pg'] },
  {
    folder: 'src/inbound',
    verb: 'hear',
    rooms: ['src/core', 'src/connectors'],
    types: ['src/store'],
    packages: ['express'],
  },
  {
    folder: 'src/temporal',
    verb: 'connect',
    rooms: ['src/core'],
    types: ['activities', 'src/queue'],
    packages: [
      'node:*',
      '@temporalio/activity',
      '@temporalio/client',
      '@temporalio/common',
      '@temporalio/worker',
    ],
  },
  {
    folder: 'src/api',
    verb: 'serve',
    rooms: ['src/core', 'src/catalogs', 'src/store'],
    types: [],
    packages: ['node:*', 'express', 'pg', 'pino', 'zod', 'zod-openapi'],
  },
  { folder: 'src/cli', verb: 'show', rooms: [], types: [], packages: ['node:*', 'commander', 'zod'] },
  { folder: 'src/observability', verb: 'tell', rooms: [], types: [], packages: ['pino', 'prom-client'] },
  {
    folder: 'src/config',
    verb: 'configure',
    rooms: ['src/connectors', 'src/catalogs'],
    types: [],
    packages: ['node:*', '@temporalio/envconfig', 'zod'],
  },
  {
    folder: 'src/embedded',
    verb: 'embed',
    rooms: [],
    types: ['src/config'],
    packages: ['node:*', 'pg', 'zod'],
  },
  { folder: 'migrations', verb: 'shape', rooms: [], types: [], packages: ['knex'] },
  { folder: 'src/simulators', verb: 'play', rooms: [], types: [], packages: ['node:*', 'zod'] },
  {
    folder: 'src/bin',
    verb: 'wire',
    rooms: [...EVERY_PRODUCT_ROOM],
    types: [],
    packages: ['*'],
  },
  {
    folder: 'bench',
    verb: 'measure',
    rooms: [...EVERY_PRODUCT_ROOM, 'src/simulators', 'test'],
    types: [],
    packages: ['*'],
  },
  { folder: 'test', verb: 'prove', rooms: ['*'], types: [], packages: ['*'] },
];

/** Single files that are more than their room. */
export const EXCEPTIONS: ReadonlyArray<{ file: string; rooms: readonly string[]; why: string }> = [
  {
    file: 'src/bin/simulator.ts',
    rooms: ['src/simulators'],
    why: 'the simulator is a program of its own; nothing else of the product knows it',
  },
];

export function roomOf(file: string): Room {
  const fitting = ROOMS.filter((room) => file.startsWith(`${room.folder}/`));
  const room = fitting.toSorted((a, b) => b.folder.length - a.folder.length)[0];
  if (room === undefined) throw new Error(`${file} lies in no room: add its folder to ${__filename}`);
  return room;
}
