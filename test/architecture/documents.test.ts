/** What the documents say about the code is compared with the code. */
import path from 'node:path';
import { DECISION_TABLE } from '../../src/core/decisionTable';
import { REASONS } from '../../src/core/reason';
import { SYNC_STATES } from '../../src/store/syncState';
import { VARIABLES } from '../../src/config/variables';
import { SYSTEMS } from '../../src/connectors/registry';
import { exists, FILES, read, tableBelow } from './sources';

const DOCUMENTS = FILES.filter((file) => /^(README\.md|docs\/.*\.md)$/.test(file));
const RECONCILE = 'docs/RECONCILE.md';
const ARCHITECTURE = 'docs/ARCHITECTURE.md';

/** Paths in back-ticks that begin with one of our folders. What is still to be made is written without back-ticks. */
const PATH = /`((?:src|activities|workflows|migrations|test|docs|bench)\/[\w./-]+)`/g;

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

/** Two spellings of one text: quotes that are escaped in a string literal, line breaks, Markdown's escapes. */
function plain(text: string): string {
  return text.replaceAll(/\\(['"`|*_])/g, '$1').replaceAll(/\s+/g, ' ');
}

test('the two paths at the head of docs/ARCHITECTURE.md are files that exist', () => {
  const lines = read(ARCHITECTURE)
    .split('\n')
    .filter((line) => /^(local|remote) change:/.test(line));
  expect(lines).toHaveLength(2);
  for (const line of lines) {
    const files = matches(line, /([\w/.-]+\.ts)\b/g);
    expect(files.length).toBeGreaterThan(6);
    expect(files.filter((file) => !exists(file))).toEqual([]);
  }
});

test('every file a document names exists', () => {
  const missing = DOCUMENTS.flatMap((document) =>
    matches(read(document), PATH)
      .filter((file) => !exists(file))
      .map((file) => `${document}: ${file}`),
  );
  expect(missing).toEqual([]);
});

test('every link between documents leads somewhere', () => {
  const broken = DOCUMENTS.flatMap((document) =>
    matches(read(document), /\]\((?!https?:|#|mailto:)([^)#\s]+)/g)
      .map((target) => path.posix.normalize(path.posix.join(path.posix.dirname(document), target)))
      .filter((target) => !exists(target))
      .map((target) => `${document}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('docs/RECONCILE.md shows the decision table of the core', () => {
  const cells = Object.entries(DECISION_TABLE).flatMap(([local, row]) =>
    Object.entries(row).map(([remote, cell]) => [local, remote, cell.verb, cell.story]),
  );
  expect(tableBelow(RECONCILE, 'The decision table')).toEqual(cells);
});

test.each([
  [RECONCILE, 40],
  ['docs/RELIABILITY.md', 10],
])('every test that %s names as a guard has that title in that file', (document, atLeast) => {
  const named = [...read(document).matchAll(/`([\w./-]+\.ts)` “([^”]+)”/g)];
  expect(named.length).toBeGreaterThan(atLeast);
  const absent = named.flatMap(([, file = '', title = '']) =>
    exists(file) && plain(read(file)).includes(plain(title)) ? [] : [`${file}: ${title}`],
  );
  expect(absent).toEqual([]);
});

const ANSWER = /`[\w./-]+\.ts` “|not yet/;

function numbers(before: string, last: number): string[] {
  return Array.from({ length: last }, (_, i) => `${before}${i + 1}`);
}

test('docs/RECONCILE.md answers for every invariant and every failure: a test, or "not yet"', () => {
  const invariants = tableBelow(RECONCILE, 'Invariants');
  expect(invariants.map(([number]) => number)).toEqual(numbers('I', 18));
  const failures = tableBelow(RECONCILE, 'Failures');
  expect(failures.map(([number]) => number)).toEqual(numbers('', 64));
  const text = read(RECONCILE);
  const rows = text.split('\n').filter((line) => /^\| I?\d+ /.test(line));
  expect(rows.filter((row) => !ANSWER.test(row))).toEqual([]);
});

test('docs/RECONCILE.md names a guard for every rule that an attack on the design has cost', () => {
  const rules = tableBelow(RECONCILE, 'Rules with a price');
  expect(rules.length).toBeGreaterThan(8);
  const rows = read(RECONCILE)
    .split('\n')
    .filter((line) => /^\| R\d+ /.test(line));
  expect(rows).toHaveLength(rules.length);
  expect(rows.filter((row) => !ANSWER.test(row))).toEqual([]);
});

test('README.md explains every variable that is read', () => {
  const told = new Set(
    tableBelow('README.md', 'Configuration').flatMap(([names]) => matches(names ?? '', /([A-Z][A-Z0-9_]+)/g)),
  );
  const ofSystems = Object.values(SYSTEMS).flatMap(({ variables }) => Object.keys(variables));
  const variables = [...Object.keys(VARIABLES), ...ofSystems].filter(
    (name) => name !== 'COUNTERPART_EMBEDDED',
  );
  expect(variables.filter((name) => !told.has(name))).toEqual([]);
});

test('README.md tells for every state and every reason what to do', () => {
  expect(tableBelow('README.md', 'States').map(([state]) => state)).toEqual([...SYNC_STATES]);
  const told = tableBelow('README.md', 'Reasons').map(([code, meaning, action]) => [code, meaning, action]);
  expect(told).toEqual(Object.entries(REASONS).map(([code, { message, action }]) => [code, message, action]));
});

test('docs/RUNBOOK.md tells for every reason what it means, what to do, and how', () => {
  const rows = tableBelow('docs/RUNBOOK.md', 'Reasons');
  expect(rows.map(([code, meaning, action]) => [code, meaning, action])).toEqual(
    Object.entries(REASONS).map(([code, { message, action }]) => [code, message, action]),
  );
  expect(rows.filter(([, , , how = '']) => how.length < 10)).toEqual([]);
});

test('every command that docs/RUNBOOK.md names is one of the command line', () => {
  const named = new Set(matches(read('docs/RUNBOOK.md'), /`counterpart ([a-z-]+)/g));
  expect(named.size).toBeGreaterThan(4);
  const known = new Set(matches(read('src/cli/index.ts'), /^ +\[?'([a-z-]+)[ ']/gm));
  expect([...named].filter((command) => !known.has(command))).toEqual([]);
});

test('decisions are numbered without gaps and all have the same four parts', () => {
  const decisions = FILES.filter((file) => file.startsWith('docs/decisions/'));
  expect(decisions.map((file) => path.basename(file).slice(0, 5))).toEqual(
    decisions.map((_, i) => `${String(i + 1).padStart(4, '0')}-`),
  );
  const parts = ['Decision', 'Why', 'Alternatives', 'Consequence'];
  const incomplete = decisions.filter((file) => {
    const headings = matches(read(file), /^## (.+)$/gm);
    return parts.some((part) => !headings.includes(part));
  });
  expect(incomplete).toEqual([]);
});
