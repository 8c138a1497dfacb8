import type { Deed } from './plan';
import {
  ANN,
  at,
  away,
  BEN,
  both,
  citizen,
  during,
  editThere,
  eraseThere,
  mail,
  name,
  rest,
  update,
  write,
} from './story';
import type { Story } from './story';

const removed = at(0, write('remove', ANN));
const back: Deed = write('restore', ANN, both('back'));
const TWO = [citizen(ANN, 'paired', both('a')), citizen(BEN, 'paired', both('b'))];

/** The same record changed on several sides at once (failures 26 to 32, 60, 62, 64). */
export const BETWEEN_SIDES: readonly Story[] = [
  {
    name: '26: different fields edited at once',
    acts: [at(0, update(ANN, name('b'))), at(0, editThere(ANN, mail('c')))],
  },
  {
    name: '27: the same field edited at once, ours wins',
    acts: [at(0, update(ANN, name('b'))), at(0, editThere(ANN, name('c')))],
  },
  {
    name: '27: the same field edited at once, theirs wins',
    with: { onConflict: 'remote' },
    acts: [at(0, update(ANN, name('b'))), at(0, editThere(ANN, name('c')))],
  },
  {
    name: '27: the same field edited at once, and a person is asked',
    with: { onConflict: 'ask' },
    acts: [at(0, update(ANN, name('b'))), at(0, editThere(ANN, both('c')))],
  },
  { name: '28: deleted here, edited there', acts: [removed, at(0, editThere(ANN, name('c')))] },
  {
    name: '28: deleted there, edited here',
    acts: [at(0, eraseThere(ANN)), at(0, update(ANN, name('b')))],
  },
  {
    name: '28: deleted there while our update is under way',
    acts: [at(0, update(ANN, name('b'))), during('update', 'arriving', eraseThere(ANN))],
  },
  { name: '29: deleted on both sides', acts: [removed, at(0, eraseThere(ANN))] },
  {
    name: '29: deleted there while our deletion is under way',
    acts: [removed, during('remove', 'arriving', eraseThere(ANN))],
  },
  {
    name: '28, detach: deleted here, restored later',
    with: { onDelete: 'detach' },
    acts: [removed, rest, at(0, editThere(ANN, mail('there'))), at(50, back)],
  },
  { name: '60: deleted here, restored at once', acts: [removed, at(5, back)] },
  { name: '60: deleted here, restored later', acts: [removed, rest, at(0, back)] },
  { name: '60: deleted there, restored here later', acts: [at(0, eraseThere(ANN)), rest, at(0, back)] },
  {
    name: '60: restored while its deletion is on its way',
    acts: [removed, during('remove', 'arriving', back)],
  },
  {
    name: '31: spaces, case and nothing',
    stripe: { form: 'tidies' },
    acts: [
      at(0, update(ANN, { name: ' Canary a ', email: 'CANARY.A@example.com' })),
      at(3_000, editThere(ANN, { name: '', email: ' canary.a@example.com' })),
    ],
  },
  {
    name: '32: there and back quickly, here',
    acts: [at(0, update(ANN, name('b'))), at(20, update(ANN, name('a'))), at(40, update(ANN, name('b')))],
  },
  {
    name: '32: there and back quickly, at the system',
    acts: [at(0, editThere(ANN, name('b'))), at(20, editThere(ANN, name('a')))],
  },
  {
    name: '62: several writes in one transaction, one of them rolled back',
    population: TWO,
    acts: [
      at(0, {
        kind: 'write here',
        ends: 'commit',
        writes: [
          { does: 'update', who: ANN, fields: name('c') },
          { does: 'remove', who: BEN, fields: {} },
        ],
      }),
      at(30, {
        kind: 'write here',
        ends: 'rollback',
        writes: [{ does: 'update', who: ANN, fields: name('never') }],
      }),
    ],
  },
  {
    name: '62: an e-mail changes hands',
    population: TWO,
    acts: [at(0, update(ANN, mail('c'))), at(0, editThere(BEN, mail('a')))],
  },
  {
    name: '64: three systems, one of them away, two edited at once',
    crm: {},
    acts: [
      at(0, away(15_000, 'silent', 'crm')),
      at(100, update(ANN, name('b'))),
      at(100, editThere(ANN, name('c'))),
    ],
  },
  { name: '64: edited at one system only', crm: {}, acts: [at(0, editThere(ANN, name('b')))] },
  {
    name: '64: both systems edited at once',
    crm: {},
    acts: [at(0, editThere(ANN, name('b'))), at(0, editThere(ANN, name('c'), 'crm'))],
  },
  {
    name: '64: deleted at one system, edited at the other',
    crm: {},
    acts: [at(0, eraseThere(ANN)), at(0, editThere(ANN, name('c'), 'crm'))],
  },
];
