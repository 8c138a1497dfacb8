import type { Act } from './plan';
import {
  aDayPasses,
  ANN,
  at,
  away,
  both,
  during,
  editThere,
  eraseThere,
  mail,
  meets,
  name,
  NEW,
  rest,
  update,
  write,
} from './story';
import type { Story } from './story';

const born = at(0, write('insert', NEW, both('new')));
const lost = (operation: 'create' | 'update' | 'remove'): Act => meets(operation, 'answer lost');

/** Calls whose outcome nobody knows, or that are refused (failures 1 to 12, 52, 55, 56, 60, 63). */
export const OF_CALLS: readonly Story[] = [
  { name: '1: the answer to a create is lost', population: [], acts: [lost('create'), born] },
  { name: '1: the answer to an update is lost', acts: [lost('update'), at(0, update(ANN, name('b')))] },
  { name: '1: the answer to a deletion is lost', acts: [lost('remove'), at(0, write('remove', ANN))] },
  {
    name: '2: the worker is killed between the answer to a create and our record of it',
    population: [],
    acts: [born, during('create', 'done', { kind: 'kill', process: 'A', for_ms: 500 })],
  },
  {
    name: '3: a create in doubt, and an outage of more than a day',
    population: [],
    acts: [lost('create'), born, during('create', 'done', away(4_000)), at(2_000, aDayPasses)],
  },
  {
    name: '3: a create in doubt that never arrived, and a day passes',
    population: [],
    acts: [
      meets('create', 'never arrives'),
      born,
      during('create', 'arriving', away(4_000)),
      at(2_000, aDayPasses),
    ],
  },
  {
    name: '3: an update in doubt, edited there, and a day passes',
    acts: [
      lost('update'),
      at(0, update(ANN, name('b'))),
      during('update', 'done', away(4_000)),
      at(1_000, editThere(ANN, mail('there'))),
      at(2_000, aDayPasses),
    ],
  },
  { name: '5: the key is in use', acts: [meets('update', '409'), at(0, update(ANN, name('b')))] },
  { name: '6: a lock time-out', acts: [meets('update', 'lock_timeout'), at(0, update(ANN, name('b')))] },
  {
    name: '7: too many requests for a while',
    acts: [at(0, away(20_000, '429')), at(10, update(ANN, name('b')))],
  },
  {
    name: '8: a stored 500 of a create that took effect',
    population: [],
    acts: [meets('create', 'stored 500 after'), born],
  },
  {
    name: '8: a stored 500 of a create that did not take effect',
    population: [],
    acts: [meets('create', 'stored 500 before'), born],
  },
  {
    name: '8: a stored 500 of an update, and an edit there meanwhile',
    acts: [
      meets('update', 'stored 500 after'),
      at(0, update(ANN, name('b'))),
      during('update', 'done', editThere(ANN, mail('there'))),
    ],
  },
  {
    name: '8: a stored 500 of a create that took effect, and the look-up fails',
    population: [],
    acts: [meets('create', 'stored 500 after'), meets('findCreated', 'plain 500'), born],
  },
  {
    name: '8: a stored 500 of an update that did not take effect, where theirs would win',
    with: { onConflict: 'remote' },
    acts: [meets('update', 'stored 500 before'), at(0, update(ANN, name('b')))],
  },
  {
    name: '9, 27: our side of a conflict is refused, and taken back',
    stripe: { refuses: true },
    acts: [
      at(0, update(ANN, name('b#'))),
      at(0, editThere(ANN, name('c'))),
      rest,
      at(0, update(ANN, name('a'))),
    ],
  },
  {
    name: '9: refused data, healed by the next edit',
    stripe: { refuses: true },
    acts: [at(0, update(ANN, name('b#'))), at(5_000, update(ANN, name('c')))],
  },
  {
    name: '9: refused data, and nobody heals it',
    stripe: { refuses: true },
    acts: [at(0, update(ANN, mail('b#'))), at(2_000, editThere(ANN, name('there')))],
  },
  {
    name: '10: the key is revoked, and later replaced',
    acts: [
      at(0, away(5_000, 'unauthorized')),
      at(10, update(ANN, name('b'))),
      at(6_000, update(ANN, mail('c'))),
    ],
  },
  { name: '11: the system hangs', acts: [at(0, away(20_000, 'hangs')), at(10, update(ANN, name('b')))] },
  {
    name: '12: an attempt finishes after its retry',
    acts: [meets('update', 'hangs'), at(0, update(ANN, name('b'))), at(12_000, update(ANN, name('c')))],
  },
  {
    name: '12: an update is in doubt for longer than its look, and edited there meanwhile',
    acts: [
      lost('update'),
      at(0, update(ANN, name('b'))),
      during('update', 'done', away(30_000)),
      during('update', 'done', { kind: 'terminate', who: ANN }),
      at(1_000, editThere(ANN, mail('there'))),
    ],
  },
  {
    name: '52: an update in doubt, and an edit back',
    acts: [lost('update'), at(0, update(ANN, name('b'))), during('update', 'done', update(ANN, name('a')))],
  },
  {
    name: '52: an update in doubt, an edit back, and a day passes',
    acts: [
      lost('update'),
      at(0, update(ANN, name('b'))),
      during('update', 'done', update(ANN, name('a'))),
      during('update', 'done', away(4_000)),
      at(2_000, aDayPasses),
    ],
  },
  {
    name: '53: the row moves on while its creation is under way',
    population: [],
    acts: [born, during('create', 'done', update(NEW, both('moved')))],
  },
  {
    name: '53: the row moves on while its update is under way',
    acts: [at(0, update(ANN, name('b'))), during('update', 'arriving', update(ANN, name('c')))],
  },
  {
    name: '55: the remote shortens what we sent',
    stripe: { form: 'shortens names' },
    acts: [at(0, update(ANN, { name: 'Canary b the third of her name' }))],
  },
  {
    name: '55: the remote keeps nothing of what we sent',
    stripe: { form: 'drops names' },
    acts: [at(0, update(ANN, both('b')))],
  },
  {
    name: '56: another account answers: nothing is deleted',
    acts: [at(0, away(5_000, 'other account')), at(10, update(ANN, name('b')))],
  },
  {
    name: '56: another account answers our deletion: it is not over',
    acts: [at(0, write('remove', ANN)), during('read', 'done', away(5_000, 'other account'))],
  },
  {
    name: '60: a create in doubt, then deleted here',
    population: [],
    acts: [lost('create'), born, during('create', 'done', write('remove', NEW))],
  },
  {
    name: '60: a create in doubt, deleted there, and a day passes',
    population: [],
    acts: [
      lost('create'),
      born,
      during('create', 'done', away(4_000)),
      at(3_000, eraseThere(NEW)),
      at(3_500, aDayPasses),
    ],
  },
  {
    name: '60: a deletion in doubt, then restored',
    acts: [
      lost('remove'),
      at(0, write('remove', ANN)),
      during('remove', 'done', write('restore', ANN, both('back'))),
    ],
  },
  {
    name: '60: a create in doubt loses its e-mail meanwhile, and a day passes',
    population: [],
    acts: [
      lost('create'),
      born,
      during('create', 'done', update(NEW, { email: null })),
      during('create', 'done', away(4_000)),
      at(2_000, aDayPasses),
    ],
  },
  {
    name: '63: a 504 while the origin still creates',
    population: [],
    acts: [meets('create', 'late commit'), born],
  },
  {
    name: '63: a 504 while the origin still updates, and an edit back',
    acts: [
      meets('update', 'late commit'),
      at(0, update(ANN, name('b'))),
      during('update', 'arriving', update(ANN, name('a'))),
    ],
  },
];
