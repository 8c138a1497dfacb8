/** Nasty coincidences among people: a few acts each that belong together. A plan is a handful of them. */
import { weighted } from './chance';
import type { Act, Deed, WriteHere } from './plan';
import { at, CLOSE_MS, during, edit, here, meanwhile, near, soon } from './scene';
import type { Motif } from './scene';
import type { FieldName } from './values';

const bothEdit: Motif = (scene) => {
  const { chance, values, who, connection } = scene;
  const field = chance.pick<FieldName>(['name', 'email']);
  const same = chance.happens(0.6);
  const there = same ? { [field]: values.any(who, field) } : values.edit(who);
  return [
    { when: near(scene), deed: here('update', who, { [field]: values.any(who, field) }) },
    {
      when: meanwhile(scene, ['read', 'update']),
      deed: { kind: 'edit there', connection, who, fields: there },
    },
  ];
};

const deleteAgainstEdit: Motif = (scene) => {
  const { chance, values, who, connection } = scene;
  const there: Deed = { kind: 'edit there', connection, who, fields: values.edit(who) };
  const erased: Deed = { kind: 'erase there', connection, who };
  return chance.happens(0.5)
    ? [
        { when: near(scene), deed: here('remove', who) },
        { when: meanwhile(scene, ['read', 'remove']), deed: there },
      ]
    : [
        { when: near(scene), deed: erased },
        { when: meanwhile(scene, ['read', 'update']), deed: here('update', who, values.edit(who)) },
      ];
};

const deletedOnBoth: Motif = (scene) => {
  const { who, connection } = scene;
  return [
    { when: near(scene), deed: here('remove', who) },
    { when: meanwhile(scene, ['read', 'remove']), deed: { kind: 'erase there', connection, who } },
  ];
};

const restored: Motif = (scene) => {
  const { chance, values, who, connection } = scene;
  const back = { name: values.any(who, 'name'), email: values.any(who, 'email') };
  const gone: Deed = chance.happens(0.6) ? here('remove', who) : { kind: 'erase there', connection, who };
  return [
    { when: near(scene), deed: gone },
    {
      when: chance.happens(0.5) ? soon(scene) : meanwhile(scene, ['remove', 'read']),
      deed: here('restore', who, back),
    },
  ];
};

const backAndForth: Motif = (scene) => {
  const { chance, values, who, connection, from_ms } = scene;
  const field = chance.pick<FieldName>(['name', 'email']);
  const side = chance.happens(0.5);
  const a = values.again(who, field);
  const b = values.fresh(field);
  const acts = [a, b, a, ...(chance.happens(0.4) ? [b] : [])].map((value, step): Act => {
    const fields = { [field]: value };
    const deed: Deed = side ? here('update', who, fields) : { kind: 'edit there', connection, who, fields };
    return { when: at(from_ms + step * chance.int(CLOSE_MS)), deed };
  });
  return acts;
};

/** The same person signs up here and there at once. */
const samePerson: Motif = (scene) => {
  const { chance, values, connection } = scene;
  const email = values.fresh('email');
  const who = 110 + chance.int(2);
  const plant: Deed = {
    kind: 'plant there',
    connection,
    who: who + 10,
    fields: { name: values.fresh('name'), email },
  };
  return [
    { when: near(scene), deed: here('insert', who, { name: values.any(who, 'name'), email }) },
    { when: meanwhile(scene, ['create']), deed: plant },
  ];
};

/** An e-mail becomes another customer's. */
const sameMail: Motif = (scene) => {
  const { values, other } = scene;
  const email = values.again(other, 'email');
  return [
    { when: near(scene), deed: here('update', other, { email }) },
    { when: near(scene), deed: edit(scene, { email }) },
  ];
};

const bornThere: Motif = (scene) => {
  const { chance, values, connection } = scene;
  const who = 130 + chance.int(3);
  const fields = { name: values.any(who, 'name'), email: values.fresh('email') };
  const next = weighted<Deed>(chance, [
    [3, { kind: 'erase there', connection, who }],
    [3, { kind: 'edit there', connection, who, fields: values.edit(who) }],
    [1, here('update', who, values.edit(who))],
    [1, here('remove', who)],
  ]);
  const when = chance.happens(0.5)
    ? near(scene)
    : during(connection, 'read', chance.pick(['arriving', 'done']));
  return [
    { when: near(scene), deed: { kind: 'plant there', connection, who, fields } },
    { when, deed: next },
  ];
};

const markCopied: Motif = (scene) => {
  const { values, who, connection } = scene;
  const to = 140;
  const fields = { name: values.fresh('name'), email: values.fresh('email') };
  return [
    { when: near(scene), deed: { kind: 'plant there', connection, who: to, fields } },
    { when: near(scene), deed: { kind: 'copy mark', connection, from: who, to } },
    { when: soon(scene), deed: edit(scene) },
  ];
};

const transaction: Motif = (scene) => {
  const { chance, values, who, other } = scene;
  const writes: WriteHere[] = [
    { does: 'update', who, fields: values.edit(who) },
    chance.happens(0.3)
      ? { does: 'remove', who: other, fields: {} }
      : { does: 'update', who: other, fields: values.edit(other) },
  ];
  const ends = chance.happens(0.4) ? 'rollback' : 'commit';
  return [{ when: near(scene), deed: { kind: 'write here', writes, ends } }];
};

const single: Motif = (scene) => {
  const { chance, who, connection } = scene;
  const deed = weighted<Deed>(chance, [
    [8, edit(scene)],
    [1, here('remove', who)],
    [1, { kind: 'erase there', connection, who }],
  ]);
  return [{ when: near(scene), deed }];
};

/** What people do, in any weather. */
export const PEOPLE: ReadonlyArray<readonly [number, Motif]> = [
  [4, single],
  [5, bothEdit],
  [4, deleteAgainstEdit],
  [1, deletedOnBoth],
  [4, restored],
  [3, backAndForth],
  [3, samePerson],
  [2, sameMail],
  [3, bornThere],
  [1, markCopied],
  [3, transaction],
];

/** Of these the end does not hang on what is heard first: nobody is born who may be somebody else, and no mark is copied. */
export const WITHOUT_BIRTHS: ReadonlyArray<readonly [number, Motif]> = [
  [4, single],
  [5, bothEdit],
  [4, deleteAgainstEdit],
  [1, deletedOnBoth],
  [3, backAndForth],
  [3, transaction],
];
