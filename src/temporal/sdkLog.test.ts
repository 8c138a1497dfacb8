import { ApplicationFailure } from '@temporalio/common';
import { sdkFields } from './sdkLog';

test('what the SDK says of a failed activity names connection, activity and code; of anything else it says that it is the SDK', () => {
  const error = ApplicationFailure.create({
    type: 'RemoteTrouble',
    details: [{ code: 'unavailable', field: null, detail: 'ENOTFOUND' }],
  });
  const about = {
    taskQueue: 'counterpart-stripe',
    activityType: 'examine',
    workflowId: 'customer/1',
    attempt: 2,
  };
  expect(sdkFields({ ...about, error })).toEqual({
    sdk: true,
    connection: 'stripe',
    activity: 'examine',
    workflow: 'customer/1',
    code: 'unavailable',
    detail: 'ENOTFOUND',
    err: error,
  });
  expect(sdkFields({ taskQueue: 'counterpart', error: 'status: Unavailable' })).toEqual({ sdk: true });
  expect(sdkFields()).toEqual({ sdk: true });
});
