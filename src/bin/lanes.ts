import type { Activities, SweepActivities } from '../../activities';
import { inLane, inLaneOf } from '../pace/lane';

/** The same activities; what each sends goes in the lane it belongs to. */
export function inLanes(activities: Activities & SweepActivities): Activities & SweepActivities {
  return {
    ...activities,
    examine: inLaneOf(activities.examine),
    send: inLaneOf(activities.send),
    trace: inLaneOf(activities.trace),
    sweepBatch: (swept) => inLane('bulk', () => activities.sweepBatch(swept)),
  };
}
