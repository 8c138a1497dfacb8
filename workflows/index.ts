/**
 * WHEN. One workflow per catalog, named like it; `record.ts` holds the order of looks they share.
 * May touch: @temporalio/workflow, src/core, types of activities. Touched by: the bundle of src/temporal/worker.
 */
export { customer } from './customer';
export { requestSweeps, sweep } from './sweep';
