/** The product's workflows over the simulated engine. The hook stands first: it must be there when they are loaded. */
// oxlint-disable-next-line import/no-unassigned-import
import './moduleHook';
import * as workflows from '../../../workflows';

export const WORKFLOWS = workflows as unknown as Readonly<
  Record<string, (input: unknown) => Promise<unknown>>
>;
