/**
 * Loads the product's workflows with the stand-in for `@temporalio/workflow` (./workflow). Node has no other hook for
 * `require`; the name of this one has been stable since its beginnings.
 */
import Module from 'node:module';

interface Resolving {
  _resolveFilename: (request: string, ...rest: unknown[]) => string;
}

const modules = Module as unknown as Resolving;
// oxlint-disable-next-line no-underscore-dangle
const resolve = modules._resolveFilename.bind(Module);
// oxlint-disable-next-line no-underscore-dangle
modules._resolveFilename = (request, ...rest) =>
  request === '@temporalio/workflow' ? require.resolve('./workflow') : resolve(request, ...rest);
