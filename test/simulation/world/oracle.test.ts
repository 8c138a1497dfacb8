import { judgeFacts } from './oracle';
import { i1Convergence, i5NothingMissing } from './oracle/converged';
import { i6NoResurrection } from './oracle/deleted';
import type { Check } from './oracle/evidence';
import { i4NoInvention } from './oracle/invented';
import { i3NothingLost } from './oracle/kept';
import { i17AtMostOnce, i9OneKeyOneCall } from './oracle/keys';
import { i2OneToOne } from './oracle/oneToOne';
import { i10Queued, i11Inbox, i14Liveness } from './oracle/queued';
import { i13Runs, i16Secrecy } from './oracle/runs';
import { ANN, A, inSync, Scene } from './oracle/scene-for-tests';
import { i7Silence } from './oracle/silence';
import { i18Timeline } from './oracle/timeline';

const NAME_B = { name: 'Canary B' };
const NAME_C = { name: 'Canary C' };

test('a customer in sync breaks nothing', () => {
  expect(judgeFacts(inSync().rest().facts())).toEqual([]);
});

test('edited here, edited there, deleted and restored: nothing of it breaks anything', () => {
  const scene = inSync().write('update', NAME_B).see().push('key_2', NAME_B);
  scene.editThere(NAME_C).see().pull(NAME_C);
  scene.write('remove').see().intent('key_3', 'delete').eraseThere('us');
  scene.relink({ state: 'retired', outcome: 'deleted' });
  expect(judgeFacts(scene.rest().facts())).toEqual([]);
});

/** Each check with one outcome that it must see. The sound ones above and below it must pass. */
const SEEN: ReadonlyArray<readonly [story: string, Check, () => Scene, RegExp]> = [
  [
    'I1: the two sides differ, and the link says in sync',
    i1Convergence,
    () => inSync().editThere(NAME_B),
    /name is "Canary A" here and "Canary B" there/,
  ],
  ['I1: it stands here and is gone there', i1Convergence, () => inSync().eraseThere(), /its object is gone/],
  [
    'I1: it stands here without a link',
    i1Convergence,
    () => new Scene().write('insert', A),
    /has no link at stripe/,
  ],
  [
    'I1: deleted here, it stands there',
    i1Convergence,
    () => inSync().write('remove'),
    /still stands at stripe/,
  ],
  [
    'I1: alike, and the link is still pending',
    i1Convergence,
    () => inSync().relink({ outcome: 'pending' }),
    /both sides are alike, and its link is linked, pending/,
  ],
  [
    'I2: a second object of ours, an orphan',
    i2OneToOne,
    () => {
      const scene = inSync();
      scene.orphan('key_2', A);
      return scene;
    },
    /2 living objects at stripe/,
  ],
  [
    'I2: one object for two records',
    i2OneToOne,
    () => {
      const scene = inSync();
      scene.tables.links.push({ ...scene.link, id: 2, record_id: 'another' });
      return scene;
    },
    /stands for two records/,
  ],
  [
    'I3: an edit here is written over by what stood there all the time',
    i3NothingLost,
    () => inSync().write('update', NAME_B).pull({ name: 'Canary A' }),
    /"Canary B" here was overwritten by "Canary A" from stripe/,
  ],
  [
    'I3: both edited, ours wins, theirs is not kept',
    i3NothingLost,
    () => inSync().write('update', NAME_B).editThere(NAME_C).see().push('key_2', NAME_B),
    /"Canary C" at stripe was overwritten by our "Canary B"/,
  ],
  [
    'I3: an edit here goes with a deletion there',
    i3NothingLost,
    () => {
      const scene = inSync().write('update', NAME_B).eraseThere();
      scene.change('delete', {}, 'stripe');
      return scene;
    },
    /"Canary B" here went with the deletion/,
  ],
  [
    'I3: an edit there goes with our deletion',
    i3NothingLost,
    () => inSync().write('remove').editThere(NAME_B).eraseThere('us'),
    /"Canary B" at stripe went with our deletion/,
  ],
  ['I3: deleted there, it stands here', i3NothingLost, () => inSync().eraseThere(), /nobody restored it/],
  [
    'I4: a value that nobody wrote',
    i4NoInvention,
    () => inSync().pull({ name: 'Canary from nowhere' }),
    /"Canary from nowhere", which nobody wrote/,
  ],
  [
    'I4: a value that was rolled back',
    i4NoInvention,
    () => {
      const scene = inSync().write('update', NAME_B);
      Object.assign(scene.written.at(-1)!, { fate: 'rolled_back' });
      return scene;
    },
    /"Canary B", which nobody wrote/,
  ],
  [
    'I5: somebody stands there, and nobody here knows',
    i5NothingMissing,
    () => {
      const scene = inSync();
      scene.system.plant({ name: 'Canary Ben', email: null });
      return scene;
    },
    /nobody here knows it/,
  ],
  [
    'I5: deleted by nobody',
    i5NothingMissing,
    () => {
      const scene = inSync();
      scene.change('delete', {}, 'stripe');
      return scene;
    },
    /nobody deleted it anywhere/,
  ],
  [
    'I6: the sync brings back what is deleted',
    i6NoResurrection,
    () => {
      const scene = inSync().write('remove');
      scene.change('restore', A, 'stripe');
      return scene;
    },
    /brought back by the sync with stripe/,
  ],
  [
    'I6: an edit revives it',
    i6NoResurrection,
    () => {
      const scene = inSync().write('remove');
      scene.change('edit', A, 'stripe');
      return scene;
    },
    /deleted, and entry \d+ of its timeline is "edit"/,
  ],
  [
    'I7: a write after all was at rest',
    i7Silence,
    () => inSync().rest().push('key_2', A),
    /after all was at rest we sent: update name, email/,
  ],
  [
    'I7: a pull after all was at rest',
    i7Silence,
    () => inSync().rest().pull(NAME_B),
    /after all was at rest record .* was written here/,
  ],
  [
    'I7: more writes than changes',
    i7Silence,
    () => inSync().push('key_2', A).push('key_3', A),
    /2 changes were made by people, and we wrote 3 times/,
  ],
  [
    'I9: one key, two sets of params',
    i9OneKeyOneCall,
    () => {
      const scene = inSync();
      scene.note({
        by: 'us',
        does: 'update',
        remoteId: scene.object,
        key: 'key_1',
        values: NAME_B,
        applied: false,
      });
      return scene;
    },
    /sent with different params/,
  ],
  [
    'I9: a call that was never written down',
    i9OneKeyOneCall,
    () => {
      const scene = inSync();
      scene.orphan('key_x', A);
      return scene;
    },
    /no intent was written down/,
  ],
  [
    'I9: two open intents of one link',
    i9OneKeyOneCall,
    () => inSync().intent('key_2', 'update', null).intent('key_3', 'update', null),
    /2 open intents/,
  ],
  [
    'I10: an acknowledged write is nowhere',
    i10Queued,
    () => {
      const scene = inSync();
      scene.written.push({ ...scene.written[0]!, does: 'update', fields: NAME_B });
      return scene;
    },
    /was acknowledged, and nothing here shows it/,
  ],
  [
    'I10: changed, and neither queued nor looked at',
    i10Queued,
    () => {
      const scene = inSync();
      scene.change('edit', NAME_B, null);
      return scene;
    },
    /no look began after its change/,
  ],
  [
    'I11: acknowledged and not stored',
    i11Inbox,
    () => {
      const scene = inSync();
      scene.handed.push({ connection: 'stripe' as never, event: 'evt_1', acknowledged: true });
      return scene;
    },
    /acknowledged, and is not stored/,
  ],
  [
    'I11: stored twice',
    i11Inbox,
    () => {
      const scene = inSync();
      scene.tables.events.push({ connection: 'stripe', id: 'evt_1' }, { connection: 'stripe', id: 'evt_1' });
      return scene;
    },
    /stored twice/,
  ],
  [
    'I13: two open runs of one record',
    i13Runs,
    () => {
      const scene = inSync();
      const run = {
        workflowId: 'customer/1',
        runId: 'a',
        type: 'customer',
        ending: 'open',
        events: 9,
        failedTasks: {},
        failure: null,
      } as const;
      scene.runs.push(run, { ...run, runId: 'b' });
      return scene;
    },
    /2 open runs/,
  ],
  [
    'I13: a run that failed',
    i13Runs,
    () => {
      const scene = inSync();
      scene.runs.push({
        workflowId: 'customer/1',
        runId: 'a',
        type: 'customer',
        ending: 'failed',
        events: 1_200,
        failedTasks: { NonDeterminism: 1 },
        failure: 'why',
      });
      return scene;
    },
    /history of 1200 events/,
  ],
  [
    'I14: it did not come to rest',
    i14Liveness,
    () => Object.assign(inSync(), { came: 'bound' as const }),
    /did not come to rest/,
  ],
  [
    'I14: a row is left in the queue',
    i14Liveness,
    () => {
      const scene = inSync();
      scene.tables.work_queue.push({ record_id: ANN, hint: 'local', waiting_on: [], rings: 3 });
      return scene;
    },
    /still waits in the queue/,
  ],
  [
    'I14: set aside for a reason that is not true',
    i14Liveness,
    () => inSync().relink({ outcome: 'parked', reason: { code: 'conflict', field: 'name', detail: null } }),
    /a reason that is not true/,
  ],
  [
    'I14: a connection is left paused',
    i14Liveness,
    () => {
      const scene = inSync();
      Object.assign(scene.tables.connections[0]!, { paused_at: 1, pause_code: 'unauthorized' });
      return scene;
    },
    /still paused: unauthorized/,
  ],
  ['I14: an intent is left open', i14Liveness, () => inSync().intent('key_2', 'update', null), /still open/],
  [
    'I16: a value in a line of the log',
    i16Secrecy,
    () => {
      const scene = inSync();
      scene.spoken.push('looked at CANARY.A@example.com');
      return scene;
    },
    /personal value was spoken/,
  ],
  [
    'I17: one intent took effect twice',
    i17AtMostOnce,
    () => {
      const scene = inSync();
      scene.orphan('key_1', A);
      return scene;
    },
    /took effect 2 times/,
  ],
  [
    'I17: a creation that nobody knows of',
    i17AtMostOnce,
    () => {
      const scene = inSync().intent('key_2', 'create', 'not_applied');
      scene.orphan('key_2', A);
      return scene;
    },
    /no link knows it/,
  ],
  [
    'I18: a write past the timeline',
    i18Timeline,
    () => {
      const scene = inSync();
      scene.row!['name'] = 'Canary B';
      return scene;
    },
    /name is "Canary B", told as "Canary A"/,
  ],
  [
    'I18: a gap',
    i18Timeline,
    () => {
      const scene = inSync().write('update', NAME_B).write('update', NAME_C);
      const place = scene.tables.timeline.findIndex(({ changes }) =>
        JSON.stringify(changes).includes('["Canary A","Canary B"]'),
      );
      scene.tables.timeline.splice(place, 1);
      return scene;
    },
    /was "Canary A" before, not "Canary B"/,
  ],
  [
    'I18: the base moved untold',
    i18Timeline,
    () => {
      const scene = inSync();
      scene.link['base'] = {};
      return scene;
    },
    /base.name is told as/,
  ],
];

test.each(SEEN)('%s: is seen', (_, check, broken, words) => {
  expect(broken().judged(check).join('\n')).toMatch(words);
});

test.each(SEEN)('%s: is not seen where all is well', (_, check) => {
  expect(inSync().rest().judged(check)).toEqual([]);
});
