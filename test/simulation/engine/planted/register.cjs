/**
 * Loads the TypeScript sources with one planted mistake: the table's entry that COUNTERPART_PLANTED names. Node offers no other
 * hook for `require`; these two names have been stable since its beginnings.
 */
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const { transformSync } = require('@swc/core');

const { file, find, replace, and } = JSON.parse(process.env.COUNTERPART_PLANTED ?? '{}');
const target = file === undefined ? null : path.resolve(__dirname, '..', '..', '..', '..', file);
const edits = [{ find, replace }, ...(and === undefined ? [] : [and])];

function planted(source) {
  let changed = source;
  for (const edit of edits) {
    if (changed.split(edit.find).length !== 2)
      throw new Error(`${file} has not exactly one of: ${edit.find}`);
    changed = changed.replace(edit.find, () => edit.replace);
  }
  return changed;
}

// oxlint-disable no-underscore-dangle
Module._extensions['.ts'] = (module, filename) => {
  const source = readFileSync(filename, 'utf8');
  const { code } = transformSync(filename === target ? planted(source) : source, {
    filename,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'commonjs' },
  });
  module._compile(code, filename);
};
