/**
 * Loads the TypeScript sources with one planted mistake: the table's entry that COUNTERPART_PLANTED names. Node offers no other
 * hook for `require`; these two names have been stable since its beginnings.
 */
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const { transformSync } = require('@swc/core');

const { file, find, replace } = JSON.parse(process.env.COUNTERPART_PLANTED ?? '{}');
const target = file === undefined ? null : path.resolve(__dirname, '..', '..', '..', '..', file);

// oxlint-disable no-underscore-dangle
Module._extensions['.ts'] = (module, filename) => {
  let source = readFileSync(filename, 'utf8');
  if (filename === target) {
    if (source.split(find).length !== 2) throw new Error(`${file} has not exactly one of: ${find}`);
    source = source.replace(find, () => replace);
  }
  const { code } = transformSync(source, {
    filename,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'commonjs' },
  });
  module._compile(code, filename);
};
