/** Who may import whom. The table is in rooms.ts; docs/ARCHITECTURE.md shows it. */
import { EXCEPTIONS, roomOf, ROOMS } from './rooms';
import type { Room } from './rooms';
import { importsOf, isTestCode, MODULES, tableBelow } from './sources';
import type { Import } from './sources';

const PRODUCT = MODULES.filter((file) => !isTestCode(file));

/** The package of an import: `@scope/name`, `name`, or `node:*`. */
function packageOf(from: string): string {
  if (from.startsWith('node:')) return 'node:*';
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/');
}

/** @returns why a product file may not import this, or null */
function forbidden(file: string, { from, file: target, typeOnly }: Import): string | null {
  const room = roomOf(file);
  if (target === null) {
    const fits = room.packages.includes(packageOf(from)) || room.packages.includes('*');
    return fits ? null : `${room.folder} takes no package ${packageOf(from)}`;
  }
  if (isTestCode(target) && room.folder !== 'bench') return 'the product imports no test code';
  const other = roomOf(target);
  if (other.folder === room.folder) return null;
  const more = EXCEPTIONS.find((exception) => exception.file === file)?.rooms ?? [];
  if (room.rooms.includes(other.folder) || more.includes(other.folder)) return null;
  if (!room.types.includes(other.folder)) return `${room.folder} must not know ${other.folder}`;
  return typeOnly ? null : `${room.folder} takes types only of ${other.folder} (import type)`;
}

function violations(files: readonly string[], rule: (file: string, one: Import) => string | null): string[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap((one) => {
      const why = rule(file, one);
      return why === null ? [] : [`${file}: ${why}; it imports ${one.from}`];
    }),
  );
}

test('every import follows the table', () => {
  expect(violations(PRODUCT, forbidden)).toEqual([]);
});

test('the table is no wider than the code: a room that is not imported may not be', () => {
  const used = new Set<string>();
  for (const file of MODULES) {
    const room = roomOf(file);
    for (const one of importsOf(file)) {
      used.add(`${room.folder} ${one.file === null ? packageOf(one.from) : roomOf(one.file).folder}`);
    }
  }
  const idle = (room: Room) =>
    [...room.rooms, ...room.types].filter((allowed) => !used.has(`${room.folder} ${allowed}`));
  const roots = new Set(['src/bin', 'bench', 'test']);
  const unused = ROOMS.filter((room) => !roots.has(room.folder)).flatMap((room) =>
    idle(room).map((allowed) => `${room.folder}: ${allowed}`),
  );
  expect(unused).toEqual([]);
});

function listed(items: readonly string[]): string {
  return items.length === 0 ? '–' : items.join(', ');
}

test('docs/ARCHITECTURE.md shows this very table', () => {
  const everything = new Set(['src/bin', 'bench']);
  const shown = ROOMS.map((room) => [
    room.folder,
    room.verb,
    everything.has(room.folder) || room.rooms.includes('*') ? 'everything' : listed(room.rooms),
    listed(room.types),
    room.packages.includes('*') ? 'any' : listed(room.packages),
  ]);
  expect(tableBelow('docs/ARCHITECTURE.md', 'Who may import whom')).toEqual(shown);
});

function strayValue(_: string, one: Import): string | null {
  if (one.typeOnly || one.from === '@temporalio/workflow' || one.from.startsWith('./')) return null;
  return one.file?.startsWith('src/core/') === true ? null : 'a workflow takes no value from here';
}

test('workflow code takes from activities their types alone, so that no activity gets into the bundle', () => {
  const files = PRODUCT.filter((file) => file.startsWith('workflows/'));
  expect(files.length).toBeGreaterThan(3);
  expect(violations(files, strayValue)).toEqual([]);
});

const REGISTRY = 'src/connectors/registry.ts';
const PORT = 'src/connectors/connector.ts';

function systemOf(file: string): string | null {
  return /^src\/connectors\/([^/]+)\//.exec(file)?.[1] ?? null;
}

function foreignSystem(file: string, one: Import): string | null {
  if (one.file === null || file === REGISTRY) return null;
  const system = systemOf(one.file);
  return system === null || system === systemOf(file) ? null : `it knows the system ${system}`;
}

function portKnows(file: string, one: Import): string | null {
  const fine = file !== PORT || one.file?.startsWith('src/core/') === true;
  return fine ? null : 'the port knows src/core alone';
}

test('the port knows no system, and no system knows another', () => {
  expect(violations(PRODUCT, foreignSystem)).toEqual([]);
  expect(violations(PRODUCT, portKnows)).toEqual([]);
});

const TEST_PACKAGES = /^(@swc\/|@temporalio\/testing|fast-check|jest)/;

function testPackage(_: string, one: Import): string | null {
  return TEST_PACKAGES.test(one.from) ? 'a package for tests' : null;
}

test('what is shipped uses no package that is there for tests', () => {
  expect(
    violations(
      PRODUCT.filter((file) => !file.startsWith('bench/')),
      testPackage,
    ),
  ).toEqual([]);
});
