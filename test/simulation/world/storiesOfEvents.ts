import {
  ANN,
  at,
  BEN,
  both,
  citizen,
  during,
  editThere,
  eraseThere,
  mail,
  name,
  NEW,
  plantThere,
  rest,
  update,
  write,
} from './story';
import type { Story } from './story';
import { CALM } from './plan';

const born = at(0, plantThere(NEW, both('born')));

/** What is heard of the other side, late, twice, never; and births there (failures 13 to 18, 25, 58, 59, 61). */
export const OF_EVENTS: readonly Story[] = [
  {
    name: '13, I7: every event is delivered three times',
    acts: [
      at(0, update(ANN, name('b'))),
      rest,
      at(0, { kind: 'redeliver', connection: 'stripe' }),
      at(5, { kind: 'redeliver', connection: 'stripe' }),
    ],
  },
  {
    name: '14: born, edited and deleted there, heard in any order',
    population: [],
    acts: [born, at(20, editThere(NEW, name('edited'))), at(40, eraseThere(NEW))],
    with: { rates: { ...CALM, events: { dropped: 0, doubled: 0.5, late: 0.7, late_ms: 3_000 } } },
  },
  {
    name: '15: two edits there within a second',
    acts: [at(0, editThere(ANN, name('b'))), at(10, editThere(ANN, name('c')))],
  },
  {
    name: '16: no webhook arrives',
    acts: [
      at(0, { kind: 'webhooks lost', connection: 'stripe', for_ms: 30_000 }),
      at(10, editThere(ANN, name('b'))),
      at(20, plantThere(NEW, both('born'))),
    ],
  },
  {
    name: '16: no webhook arrives, and edits fall into the second of a poll',
    acts: [
      at(0, { kind: 'webhooks lost', connection: 'stripe', for_ms: 60_000 }),
      ...Array.from({ length: 20 }, (_, place) => at(10 + place * 1_130, editThere(ANN, name(`${place}`)))),
    ],
  },
  {
    name: '15, 16: no webhook arrives, and a second edit falls into the second of one that was read, when it was looked at',
    acts: [
      at(0, { kind: 'webhooks lost', connection: 'stripe', for_ms: 60_000 }),
      during('listEvents', 'arriving', editThere(ANN, name('b'))),
      during('read', 'done', editThere(ANN, name('c'))),
    ],
  },
  { name: '17: somebody unknown is born there', population: [], acts: [born] },
  {
    name: '18: our own creation is heard of before its answer',
    population: [],
    acts: [at(0, write('insert', NEW, both('new'))), during('create', 'done', { kind: 'hint', who: NEW })],
    stripe: { tellsCause: false },
  },
  {
    name: '25: an echo without a cause',
    stripe: { tellsCause: false, tellsPrevious: false },
    acts: [at(0, update(ANN, name('b')))],
  },
  {
    name: '25: edited there between our reading and our write',
    acts: [at(0, update(ANN, name('b'))), during('update', 'arriving', editThere(ANN, name('there')))],
  },
  {
    name: '25: another field edited there between our reading and our write',
    acts: [at(0, update(ANN, name('b'))), during('update', 'arriving', editThere(ANN, mail('there')))],
  },
  {
    name: '25: another field emptied there between our reading and our write',
    acts: [at(0, update(ANN, name('b'))), during('update', 'arriving', editThere(ANN, { email: null }))],
  },
  {
    name: '25: edited there between our reading and our deletion',
    acts: [at(0, write('remove', ANN)), during('remove', 'arriving', editThere(ANN, name('there')))],
  },
  {
    name: '58: a mark is copied to another customer',
    population: [citizen(ANN, 'paired', both('a')), citizen(BEN, 'paired', both('b'))],
    acts: [
      born,
      at(0, { kind: 'copy mark', connection: 'stripe', from: ANN, to: NEW }),
      at(20, editThere(NEW, name('edited'))),
    ],
  },
  {
    name: '59: born and deleted there before our first look',
    population: [],
    acts: [born, at(0, eraseThere(NEW))],
  },
  {
    name: '59: born there and deleted while we read it',
    population: [],
    acts: [born, during('read', 'done', eraseThere(NEW))],
  },
  {
    name: '61: the same person signs up here and there',
    population: [],
    acts: [
      at(0, write('insert', NEW, both('new'))),
      during('create', 'arriving', plantThere(NEW + 1, { ...name('there'), ...mail('new') })),
    ],
  },
  {
    name: '61: recognised by its e-mail, and deleted here before anything is agreed',
    population: [],
    acts: [
      at(0, plantThere(NEW + 1, { ...name('there'), ...mail('new') })),
      during('read', 'arriving', { kind: 'temporal down', for_ms: 3_000 }),
      during('read', 'arriving', write('insert', NEW, both('new'))),
      during('read', 'arriving', write('remove', NEW), { nth: 2 }),
    ],
  },
  {
    name: '61: somebody there has the e-mail of one who stands here alone',
    population: [citizen(ANN, 'strangers', both('a'))],
    acts: [at(100, update(ANN, name('b')))],
  },
];
