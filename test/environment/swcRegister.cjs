/** Lets plain Node run the test environment from its TypeScript sources: no build has to come first. */
const { readFileSync } = require('node:fs');
const Module = require('node:module');

const { transformSync } = require('@swc/core');

// Node offers no other hook for `require`; these two names have been stable since its beginnings.
// oxlint-disable no-underscore-dangle
Module._extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  });
  module._compile(code, filename);
};
