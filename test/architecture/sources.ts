/**
 * The repository as data, for the tests of this folder: its files, and what each module imports.
 * Parsed with swc, because TypeScript 7 has no JavaScript API (docs/decisions/0002-tool-chain.md).
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from '@swc/core';

export const ROOT = path.resolve(__dirname, '..', '..');

/** Folders and root files that belong to nobody's source: installed, built, or data of a running system. */
const PASSED_OVER = new Set(['node_modules', 'dist', 'coverage', '.git', '.data']);
const CODE = /\.(ts|mts|cts|js|mjs|cjs)$/;

function below(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (PASSED_OVER.has(entry.name)) return [];
    if (entry.isDirectory()) return below(file);
    return entry.isFile() ? [file] : [];
  });
}

/** Every file of the checkout, relative to its root, with slashes. */
export const FILES: readonly string[] = below('').toSorted();
const KNOWN = new Set(FILES);

/** Code in the rooms, i.e. without the tools' own configuration in the root folder. */
export const MODULES: readonly string[] = FILES.filter((file) => CODE.test(file) && file.includes('/'));

export function exists(file: string): boolean {
  return KNOWN.has(file) || FILES.some((known) => known.startsWith(file.replace(/\/?$/, '/')));
}

export function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

/** Code that only tests run. It may import anything, and nothing of the product may import it. */
export function isTestCode(file: string): boolean {
  return file.startsWith('test/') || /\.test\.ts$|-for-tests\.ts$/.test(file);
}

export interface Import {
  /** As written, e.g. `../core/ids` or `pg`. */
  readonly from: string;
  /** The file it names, or null for a package. */
  readonly file: string | null;
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

type Node = Record<string, unknown>;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Calls `visit` on every node of a syntax tree. */
export function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  else if (isNode(value)) {
    visit(value);
    for (const child of Object.values(value)) walk(child, visit);
  }
}

const trees = new Map<string, unknown>();

/** The syntax tree of a module, parsed once. */
export function treeOf(file: string): unknown {
  let tree = trees.get(file);
  if (tree === undefined) {
    const syntax = /\.m?c?ts$/.test(file)
      ? ({ syntax: 'typescript' } as const)
      : ({ syntax: 'ecmascript' } as const);
    tree = parseSync(read(file), { ...syntax, target: 'es2023' }).body;
    trees.set(file, tree);
  }
  return tree;
}

function literal(node: unknown): string | null {
  return isNode(node) && node['type'] === 'StringLiteral' ? String(node['value']) : null;
}

/** What a node imports, whichever of the many ways it is written. */
function importOf(node: Node): { from: string | null; typeOnly: boolean } | null {
  const specifiers = Array.isArray(node['specifiers']) ? node['specifiers'].filter(isNode) : [];
  const allTypes = specifiers.length > 0 && specifiers.every((one) => one['isTypeOnly'] === true);
  switch (node['type']) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return { from: literal(node['source']), typeOnly: node['typeOnly'] === true || allTypes };
    case 'TsImportType':
      return { from: literal(node['argument']), typeOnly: true };
    case 'TsExternalModuleReference':
      return { from: literal(node['expression']), typeOnly: false };
    case 'CallExpression': {
      const { callee, arguments: args } = node;
      const called = isNode(callee) && (callee['type'] === 'Import' || callee['value'] === 'require');
      const first: unknown = Array.isArray(args) ? args[0] : undefined;
      return called && isNode(first) ? { from: literal(first['expression']), typeOnly: false } : null;
    }
    default:
      return null;
  }
}

/** @throws when a relative import names no file: then this test would miss what it leads to */
function resolve(importer: string, from: string): string | null {
  if (!from.startsWith('.')) return null;
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(importer), from));
  const candidates = [
    target,
    `${target}.ts`,
    `${target}.mjs`,
    `${target}/index.ts`,
    target.replace(/\.js$/, '.ts'),
  ];
  const found = candidates.find((candidate) => KNOWN.has(candidate));
  if (found === undefined) throw new Error(`${importer} imports ${from}, which is no file of the repository`);
  return found;
}

export function importsOf(file: string): Import[] {
  const found: Import[] = [];
  walk(treeOf(file), (node) => {
    const one = importOf(node);
    if (one !== null && one.from !== null) {
      found.push({ from: one.from, file: resolve(file, one.from), typeOnly: one.typeOnly });
    }
  });
  return found;
}

/** The rows of the first Markdown table below a heading, as cells without their back-ticks, the head row left out. */
export function tableBelow(document: string, heading: string): string[][] {
  const lines = read(document).split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start < 0) throw new Error(`${document} has no heading "${heading}"`);
  const rest = lines.slice(start + 1);
  const first = rest.findIndex((line) => line.startsWith('|'));
  const length = rest.slice(first).findIndex((line) => !line.startsWith('|'));
  const rows = rest.slice(first, length < 0 ? undefined : first + length);
  return rows.slice(2).map((row) =>
    row
      .replaceAll('\\|', '\u0001')
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.replaceAll('\u0001', '|').replaceAll('`', '').trim()),
  );
}
