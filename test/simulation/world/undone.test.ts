import type { Check } from './oracle/evidence';
import { i3NothingLost } from './oracle/kept';
import { i9OneKeyOneCall } from './oracle/keys';
import { i14Promptness } from './oracle/prompt';
import { A, inSync, Scene } from './oracle/scene-for-tests';
import { i7Silence } from './oracle/silence';
import { i3NothingUndone, i6RestoreStands } from './oracle/undone';

const NAME_A = { name: 'Canary A' };
const NAME_B = { name: 'Canary B' };
const NAME_C = { name: 'Canary C' };
const OF_A_MARK = { code: 'claims_record', field: null, detail: null };

/** Somebody stands at stripe alone, and a record id is kept for him. */
function stranger(): Scene {
  const scene = new Scene();
  const remoteId = scene.system.plant(A);
  scene.note({ by: 'people', does: 'create', remoteId, after: A });
  return scene.relink({ remote_id: remoteId });
}

function setAsideForAMark({ copied }: { copied: boolean }): Scene {
  const scene = stranger().relink({ outcome: 'parked', reason: OF_A_MARK });
  if (copied) scene.copied.add(scene.object);
  scene.rest().change('create', A, 'stripe');
  return scene.agree(A);
}

function conflictThatWeWon(): Scene {
  return inSync().write('update', NAME_B).editThere(NAME_C).lose('name', 'Canary B', 'Canary C');
}

function restored(): Scene {
  return inSync().write('remove').write('restore', A);
}

/** Its creation is in doubt; `erase` deletes there what the call made. */
function inDoubt() {
  const scene = new Scene().write('insert', A);
  const id = scene.relink({}).intent('key_1', 'create', null).orphan('key_1', A);
  return {
    scene,
    id,
    erase({ told }: { told: boolean }): void {
      scene.system.erase(id);
      scene.note({ by: 'people', does: 'remove', remoteId: id, before: A });
      const event = { connection: 'stripe', remote_id: id, created_at: 1_000_000, received_at: 0 };
      if (told) scene.tables.events.push(event);
    },
  };
}

/** Deleted and restored here while its creation was in doubt, then deleted there. */
function restoredInDoubt({ told, by = 'restore' }: { told: boolean; by?: 'restore' | 'insert' }): Scene {
  const { scene, id, erase } = inDoubt();
  scene.write('remove').write(by, A);
  erase({ told });
  return scene.relink({ remote_id: id }).agree(A);
}

function deletedBySync(scene: Scene): Scene {
  scene.change('delete', {}, 'stripe');
  return scene;
}

function looked({ later_ms }: { later_ms: number }): Scene {
  const scene = inSync().write('update', NAME_B);
  Object.assign(scene.tables.timeline.at(-1)!, { at: later_ms });
  return scene;
}

/** Each with an outcome that it must see, and one like it that is sound. */
const PAIRS: ReadonlyArray<
  readonly [story: string, Check, broken: () => Scene, words: RegExp, sound: () => Scene]
> = [
  [
    'I3: our own older value comes back over a newer one, which is kept as lost to nobody',
    i3NothingUndone,
    () => inSync().write('update', NAME_B).lose('name', 'Canary B', 'Canary A').pull(NAME_A),
    /"Canary B" here was overwritten by "Canary A", which nobody but us ever wrote/,
    () =>
      inSync()
        .write('update', NAME_B)
        .editThere(NAME_C)
        .lose('name', 'Canary B', 'Canary C', { winner: 'remote' })
        .pull(NAME_C),
  ],
  [
    'I3: what lost against ours is written here after all',
    i3NothingUndone,
    () => conflictThatWeWon().write('update', NAME_A).pull(NAME_C),
    /"Canary C" of stripe lost against ours, and was written here all the same/,
    () => conflictThatWeWon().push('key_2', NAME_B).editThere(NAME_C).pull(NAME_C),
  ],
  [
    'I3, I6: a deletion there later than a restore is told before the creation in doubt is found, and does not count',
    i3NothingLost,
    () => restoredInDoubt({ told: true }),
    /stands here, though .* was deleted at stripe and nobody restored it/,
    () => restoredInDoubt({ told: false }),
  ],
  [
    'I3: a field that nobody changed here is sent',
    i3NothingUndone,
    () =>
      inSync()
        .write('update', NAME_B)
        .push('key_2', { ...A, ...NAME_B }),
    /email "canary.a@example.com" was sent to stripe \(key_2\), and nobody had changed it here/,
    () => inSync().write('update', NAME_B).push('key_2', NAME_B),
  ],
  [
    'I3: somebody made there goes with a record that he was never agreed with',
    i3NothingUndone,
    () => stranger().write('insert', A).write('remove').eraseThere('us'),
    /was made at stripe by people, never agreed with record/,
    () => stranger().write('insert', A).agree(A).write('remove').eraseThere('us'),
  ],
  [
    'I6: a restored record is deleted, and nobody deleted it',
    i6RestoreStands,
    () => deletedBySync(restored()),
    /nobody deleted it anywhere after it was restored/,
    () => deletedBySync(restored().eraseThere()),
  ],
  [
    'I6: deleted there before it was restored here',
    i6RestoreStands,
    () => deletedBySync(inSync().eraseThere().write('remove').write('restore', A)),
    /nobody deleted it anywhere after it was restored/,
    () => restored().write('remove'),
  ],
  [
    'I7: the same told once more is kept as lost once more',
    i7Silence,
    () => conflictThatWeWon().rest().lose('name', 'Canary B', 'Canary C'),
    /after all was at rest a value of record .* was kept as lost: name/,
    () => conflictThatWeWon().rest(),
  ],
  [
    'I7: an object that was set aside for a mark becomes a record after the rest, though the mark was never copied',
    i7Silence,
    () => setAsideForAMark({ copied: false }),
    /after all was at rest record .* was written here/,
    () => setAsideForAMark({ copied: true }),
  ],
  [
    'I9: an intent is sent after it was taken back',
    i9OneKeyOneCall,
    () => {
      const scene = inSync().write('update', NAME_B).push('key_2', NAME_B);
      Object.assign(scene.tables.intents.at(-1)!, { sends: 0, ending: 'superseded' });
      return scene;
    },
    /the intent key_2 was sent after it had been taken back \(superseded\)/,
    () => inSync().write('update', NAME_B).push('key_2', NAME_B),
  ],
  [
    'I14: a change is looked at when the lease of its ring is over',
    i14Promptness,
    () => looked({ later_ms: 10_000 }),
    /was looked at \d+ ms later, with nothing in the way/,
    () => looked({ later_ms: 500 }),
  ],
];

/**
 * What we sent was shortened there and its answer was a failure; edited here since, and the short form came here all the same.
 */
function formComesBack(hasEventList: boolean, came = 'Canary the t', assumed = 'Canary the third'): Scene {
  const scene = inSync().write('update', { name: 'Canary the third' });
  const [stripe] = scene.plan.connections;
  scene.plan = {
    ...scene.plan,
    onConflict: 'remote',
    connections: [{ ...stripe!, form: 'shortens names', hasEventList }],
  };
  scene.push('key_2', { name: 'Canary the third' }).agree({ name: assumed });
  return scene.write('update', NAME_B).pull({ name: came });
}

describe('I3: the form that a system gave our older value comes back over a newer one', () => {
  const kept = (scene: Scene, theirs = 'Canary the t'): string[] =>
    scene.lose('name', 'Canary B', theirs, { winner: 'remote' }).judged(i3NothingUndone);

  test('where no event tells what our call made, the policy decides, and the newer one is kept', () => {
    expect(kept(formComesBack(false))).toEqual([]);
  });

  test('where an event tells it, it is seen', () => {
    expect(kept(formComesBack(true))).toEqual([
      expect.stringMatching(
        /"Canary B" here was overwritten by "Canary the t", which nobody but us ever wrote/,
      ),
    ]);
  });

  test('so it is where the newer one is not kept, where it is no form of ours, and where the answer had told the form', () => {
    expect(formComesBack(false).judged(i3NothingUndone)).toHaveLength(1);
    expect(kept(formComesBack(false, 'Canary A'), 'Canary A')).toHaveLength(1);
    expect(kept(formComesBack(false, 'Canary the t', 'Canary the t'))).toHaveLength(1);
  });
});

test.each(PAIRS)('%s: is seen', (_, check, broken, words) => {
  expect(broken().judged(check).join('\n')).toMatch(words);
});

test.each(PAIRS)('%s: its sound likeness passes', (_story, check, _broken, _words, sound) => {
  expect(sound().judged(check)).toEqual([]);
});

test('I3: deleted there, restored here after that: it stands, whether the deletion was known by then or not', () => {
  expect(inSync().write('remove').write('restore', A).eraseThere().judged(i3NothingLost)).toEqual([]);
  expect(inSync().eraseThere().write('remove').write('restore', A).judged(i3NothingLost)).toEqual([]);
  expect(inSync().write('remove').eraseThere().judged(i3NothingLost)).toEqual([]);
  expect(inSync().eraseThere().judged(i3NothingLost)).toHaveLength(1);
});

test.each(['restore', 'insert'] as const)(
  'I3: its creation is in doubt, its object is deleted there, told at once, and it comes back here after that by %s: it stands; before that it does not',
  (back) => {
    const after = inDoubt();
    after.erase({ told: true });
    after.scene.write('remove').write(back, A).relink({ remote_id: after.id }).agree(A);
    expect(after.scene.judged(i3NothingLost)).toEqual([]);
    const before = restoredInDoubt({ told: true, by: back });
    expect(before.judged(i3NothingLost).join()).toMatch(/nobody restored it/);
  },
);
