/** What the world does besides: calls whose outcome nobody knows, outages, deaths, clocks. */
import { weighted } from './chance';
import type { Act, Deed, Fault, Outage, ProcessName } from './plan';
import { at, during, edit, here, meanwhile, near, soon } from './scene';
import type { Motif } from './scene';
import type { FieldName } from './values';

/** Beyond it keys are forgotten. */
export const DAY_MS = 25 * 3_600_000;

/** An answer to a create never comes, and the record goes on: edited, emptied, deleted; perhaps the key is forgotten. */
const createInDoubt: Motif = (scene) => {
  const { chance, values, connection, from_ms } = scene;
  const who = 100 + chance.int(2);
  const fault = chance.pick<Fault>([
    'answer lost',
    'late commit',
    'stored 500 after',
    'stored 500 before',
    'hangs',
  ]);
  const next = weighted<Deed>(chance, [
    [3, here('update', who, values.edit(who))],
    [2, here('update', who, { email: null })],
    [2, here('remove', who)],
    [2, { kind: 'edit there', connection, who, fields: values.edit(who) }],
    [1, { kind: 'erase there', connection, who }],
  ]);
  const fields = { name: values.fresh('name'), email: values.fresh('email') };
  const acts: Act[] = [
    { when: at(0), deed: { kind: 'fault', connection, operation: 'create', fault } },
    { when: near(scene), deed: here('insert', who, fields) },
    { when: during(connection, 'create', chance.pick(['arriving', 'done'])), deed: next },
  ];
  if (!chance.happens(0.35)) return acts;
  const out: Deed = { kind: 'outage', connection, how: 'silent', for_ms: 5_000 };
  return [
    ...acts,
    { when: during(connection, 'create', 'done'), deed: out },
    { when: at(from_ms + 4_000), deed: { kind: 'leap', ms: DAY_MS } },
  ];
};

const updateInDoubt: Motif = (scene) => {
  const { chance, values, who, connection, from_ms } = scene;
  const fault = chance.pick<Fault>([
    'answer lost',
    'late commit',
    'stored 500 after',
    'stored 500 before',
    'hangs',
  ]);
  const field = chance.pick<FieldName>(['name', 'email']);
  const back = { [field]: values.again(who, field) };
  const acts: Act[] = [
    { when: at(0), deed: { kind: 'fault', connection, operation: 'update', fault } },
    { when: near(scene), deed: here('update', who, { [field]: values.any(who, field) }) },
    { when: meanwhile(scene, ['update']), deed: edit(scene, back) },
  ];
  return chance.happens(0.25)
    ? [...acts, { when: at(from_ms + 3_000), deed: { kind: 'leap', ms: DAY_MS } }]
    : acts;
};

const removeInDoubt: Motif = (scene) => {
  const { chance, values, who, connection } = scene;
  const fault = chance.pick<Fault>(['answer lost', 'late commit', 'plain 500', 'hangs']);
  return [
    { when: at(0), deed: { kind: 'fault', connection, operation: 'remove', fault } },
    { when: near(scene), deed: here('remove', who) },
    {
      when: meanwhile(scene, ['remove']),
      deed: here('restore', who, { name: values.any(who, 'name'), email: values.fresh('email') }),
    },
  ];
};

const outage: Motif = (scene) => {
  const { chance, connection, from_ms } = scene;
  const how = chance.pick<Outage>(['silent', 'silent', 'hangs', '429', 'unauthorized', 'other account']);
  const for_ms = 500 + chance.int(20_000);
  return [
    { when: at(from_ms), deed: { kind: 'outage', connection, how, for_ms } },
    { when: near(scene), deed: edit(scene) },
    { when: soon(scene), deed: edit(scene) },
  ];
};

const process: Motif = (scene) => {
  const { chance, workers } = scene;
  const name = chance.pick<ProcessName>([...workers, ...workers, 'api']);
  const deed = weighted<Deed>(chance, [
    [3, { kind: 'kill', process: name, for_ms: 50 + chance.int(5_000) }],
    [2, { kind: 'stall', process: name, for_ms: 5_000 + chance.int(40_000) }],
  ]);
  return [
    { when: near(scene), deed: edit(scene) },
    { when: meanwhile(scene, ['read', 'create', 'update', 'remove']), deed },
  ];
};

const trouble: Motif = (scene) => {
  const { chance, who, connection } = scene;
  const deed = weighted<Deed>(chance, [
    [2, { kind: 'temporal down', for_ms: 500 + chance.int(20_000) }],
    [1, { kind: 'temporal wiped' }],
    [2, { kind: 'terminate', who }],
    [2, { kind: 'sweep', connection }],
    [2, { kind: 'hint', who }],
    [2, { kind: 'redeliver', connection }],
    [2, { kind: 'webhooks lost', connection, for_ms: 1_000 + chance.int(30_000) }],
    [1, { kind: 'skew', ms: chance.pick([-3_600_000, -5_000, 5_000, 3_600_000]) }],
    [1, { kind: 'leap', ms: chance.pick([30_000, DAY_MS]) }],
  ]);
  return [
    { when: near(scene), deed: edit(scene) },
    { when: meanwhile(scene, ['read', 'update']), deed },
  ];
};

/** What the world does besides. */
export const WEATHER: ReadonlyArray<readonly [number, Motif]> = [
  [5, createInDoubt],
  [4, updateInDoubt],
  [3, removeInDoubt],
  [3, outage],
  [4, process],
  [4, trouble],
];
