/** Rules about the source that no linter holds. Each failure prints the file and what is wrong with it. */
import { ROOMS } from './rooms';
import { FILES, importsOf, isTestCode, MODULES, read, treeOf, walk } from './sources';

type Node = Record<string, unknown>;

const LINES_MAX = 300;
/** Longer than that with a reason: tables, where a cut would hide a row. Tests and migrations are free. */
const TABLES = new Set(['src/api/openapi.ts', 'src/core/decisionTable.ts']);
/** Names that say nothing about what is inside. */
const EMPTY_NAMES = /^(utils?|helpers?|libs?|commons?|shared|types?|managers?|services?)$/i;
/** Texts a person wrote here; not generated, not installed. */
const WRITTEN = /(\.(ts|mjs|cjs|js|md|yml|yaml|sql|sh|html|css)|Dockerfile|\.env\.example)$/;

const HAND_WRITTEN = FILES.filter((file) => WRITTEN.test(file));
const TESTS = MODULES.filter((file) => file.endsWith('.test.ts'));

function linesOf(file: string): number {
  return read(file).split('\n').length - 1;
}

/** Files in which a node of the syntax tree is wrong. */
function withNode(files: readonly string[], isWrong: (node: Node) => boolean): string[] {
  return files.filter((file) => {
    let wrong = false;
    walk(treeOf(file), (node) => {
      wrong ||= isWrong(node);
    });
    return wrong;
  });
}

/** The name that is called, e.g. `setTimeout`, or `test.skip` for a member. */
function calledName(node: Node): string | null {
  if (node['type'] !== 'CallExpression') return null;
  return nameOf(node['callee']);
}

function nameOf(node: unknown): string | null {
  if (typeof node !== 'object' || node === null) return null;
  const { type, value, object, property, callee } = node as Record<string, unknown>;
  if (type === 'Identifier') return String(value);
  if (type === 'MemberExpression') return `${nameOf(object) ?? ''}.${nameOf(property) ?? ''}`;
  return type === 'CallExpression' ? nameOf(callee) : null;
}

function isEmptyBlock(node: unknown): boolean {
  if (typeof node !== 'object' || node === null || !('stmts' in node)) return false;
  return Array.isArray(node.stmts) && node.stmts.length === 0;
}

function saysNothing(file: string): boolean {
  return file.split('/').some((part) => EMPTY_NAMES.test(part.replace(/\..*$/, '')));
}

test('no file or folder has a name that says nothing', () => {
  expect(MODULES.filter(saysNothing)).toEqual([]);
});

function mayBeLong(file: string): boolean {
  return isTestCode(file) || file.startsWith('migrations/') || TABLES.has(file);
}

test(`a source file has at most ${LINES_MAX} lines`, () => {
  const long = MODULES.filter((file) => !mayBeLong(file) && linesOf(file) > LINES_MAX);
  expect(long.map((file) => `${file}: ${linesOf(file)} lines`)).toEqual([]);
});

function swallows(node: Node): boolean {
  if (node['type'] === 'CatchClause') return isEmptyBlock(node['body']);
  if (calledName(node)?.endsWith('.catch') !== true) return false;
  const [first] = node['arguments'] as Array<{ expression: Node }>;
  return first !== undefined && isEmptyBlock(first.expression['body']);
}

test('no error is swallowed by an empty catch', () => {
  expect(withNode(MODULES, swallows)).toEqual([]);
});

test('no test is skipped, left for later, or the only one', () => {
  const modified =
    /^(test|it|describe)\.(skip|only|todo|failing|concurrent)(\.each)?$|^(xit|xtest|xdescribe|fit|fdescribe)$/;
  expect(withNode(TESTS, (node) => modified.test(calledName(node) ?? ''))).toEqual([]);
});

function sleeps(node: Node): boolean {
  return /(^|\.)(setTimeout|sleep)$/.test(calledName(node) ?? '');
}

test('tests wait for conditions: nobody sleeps', () => {
  const timers = TESTS.filter((file) => importsOf(file).some((one) => one.from === 'node:timers/promises'));
  expect([...withNode(TESTS, sleeps), ...timers]).toEqual([]);
});

test('what is to be done is an issue, not a word in the source', () => {
  // In brackets, so that this file is not its own finding.
  const later = /\b([T]ODO|[F]IXME|[X]XX)\b/;
  expect(HAND_WRITTEN.filter((file) => later.test(read(file)))).toEqual([]);
});

test('every room says at the head of one file what it may touch', () => {
  const SAYS = /May touch:|[Ii]mports nothing/;
  const silent = ROOMS.filter(({ folder }) => {
    const heads = MODULES.filter((file) => file.startsWith(`${folder}/`)).map((file) =>
      read(file).slice(0, 1_200),
    );
    return !['src/bin', 'test'].includes(folder) && !heads.some((head) => SAYS.test(head));
  });
  expect(silent.map((room) => room.folder)).toEqual([]);
});

function readsEnvironment(node: Node): boolean {
  return node['type'] === 'MemberExpression' && nameOf(node) === 'process.env';
}

test('settings are read in src/config and src/bin; the embedded parts hand the environment on to their children', () => {
  const readers = withNode(
    MODULES.filter((file) => !isTestCode(file) && !/^(bench|src\/(config|bin|embedded))\//.test(file)),
    readsEnvironment,
  );
  expect(readers).toEqual([]);
});

/** Rooms that are to run under a simulated clock one day, and so may read none of their own. */
const CLOCKLESS = /^(activities|workflows|src\/(core|catalogs|inbound|connections)\/|src\/queue\/relay\.ts)/;

const OUTSIDE = new Set([
  'Date.now',
  'Math.random',
  'randomUUID',
  'crypto.randomUUID',
  'performance.now',
  'setTimeout',
  'setInterval',
]);

function takesTimeOrChance(node: Node): boolean {
  if (OUTSIDE.has(calledName(node) ?? '')) return true;
  return node['type'] === 'NewExpression' && nameOf(node['callee']) === 'Date';
}

test('decisions and looks take time and chance from outside', () => {
  const files = MODULES.filter((file) => CLOCKLESS.test(file) && !isTestCode(file));
  expect(files.length).toBeGreaterThan(20);
  expect(withNode(files, takesTimeOrChance)).toEqual([]);
});

/** The wake-up listens on a connection of its own. */
const OWN_SQL = new Set(['src/queue/wakeup.ts']);
const SQL = /['"`]\s*(select\s.+\sfrom|insert into|update|delete from|listen)\s+(counterpart[._])/i;

test('statements of SQL stand in src/store and in the migrations', () => {
  const free = /^(src\/store|migrations|bench)\//;
  const elsewhere = MODULES.filter(
    (file) => !isTestCode(file) && !free.test(file) && !OWN_SQL.has(file) && SQL.test(read(file)),
  );
  expect(elsewhere).toEqual([]);
});
