import { CALM } from './plan';
import {
  ANN,
  at,
  BEN,
  both,
  citizen,
  during,
  editThere,
  eraseThere,
  meets,
  name,
  NEW,
  update,
  write,
} from './story';
import type { Story } from './story';

/** Any waiter may be kept, as often as a story needs it: which one is for its schedule to say. */
const STALLING = { ...CALM, stalls: 0.08 };

const SIX = [0, 1, 2, 3, 4, 5].map((who) => citizen(who, 'paired', both(`${who}`)));
const TWO = [citizen(ANN, 'paired', both('a')), citizen(BEN, 'paired', both('b'))];

/** Processes that die or stall, clocks, and the workflow engine (failures 33 to 54). */
export const OF_PARTS: readonly Story[] = [
  {
    name: '33: workers die while looks end, and what ended is edited again',
    population: SIX,
    with: { workers: ['A', 'B'], rates: { ...CALM, deaths: 0.01 } },
    acts: SIX.flatMap(({ who }) => [
      at(who * 100, update(who, name('c'))),
      at(5_000, update(who, name('d'))),
    ]),
  },
  {
    name: '34, 35: two relays, one of them killed',
    population: TWO,
    with: { workers: ['A', 'B'] },
    acts: [
      at(0, update(ANN, name('c'))),
      at(0, update(BEN, name('d'))),
      at(20, { kind: 'kill', process: 'A', for_ms: 8_000 }),
    ],
  },
  {
    name: '40: Temporal is away',
    acts: [at(0, { kind: 'temporal down', for_ms: 20_000 }), at(10, update(ANN, name('b')))],
  },
  {
    name: '42: so many changes that the run goes on as new',
    acts: [
      at(0, update(ANN, name('0'))),
      ...Array.from({ length: 45 }, (_, place) =>
        during('update', 'done', update(ANN, name(`${place + 1}`)), { nth: place + 1 }),
      ),
    ],
  },
  {
    name: '43, 49: a run is terminated by hand in the middle of a look',
    acts: [at(0, update(ANN, name('b'))), during('update', 'arriving', { kind: 'terminate', who: ANN })],
  },
  {
    name: '49: Temporal loses everything in the middle of a look',
    acts: [at(0, update(ANN, name('b'))), during('update', 'done', { kind: 'temporal wiped' })],
  },
  {
    name: '48: the database clock is set back an hour',
    acts: [
      at(0, update(ANN, name('b'))),
      during('read', 'arriving', { kind: 'skew', ms: -3_600_000 }),
      at(2_000, editThere(ANN, name('c'))),
    ],
  },
  {
    name: '48: the database clock is set forward an hour',
    acts: [
      at(0, update(ANN, name('b'))),
      during('update', 'arriving', { kind: 'skew', ms: 3_600_000 }),
      at(2_000, editThere(ANN, name('c'))),
    ],
  },
  {
    name: '54: a look stalls past its lease, and another one takes over',
    with: { workers: ['A', 'B'] },
    acts: [
      at(0, update(ANN, name('b'))),
      during('read', 'done', { kind: 'stall', process: 'A', for_ms: 40_000 }),
      during('read', 'done', { kind: 'stall', process: 'B', for_ms: 1 }),
      at(20_000, editThere(ANN, name('there'))),
    ],
  },
  {
    name: '54: an attempt stalls before it sends, and another one takes back what it would have sent',
    with: { workers: ['A', 'B'], rates: STALLING },
    acts: [at(0, update(ANN, name('b'))), at(2_000, update(ANN, name('c')))],
  },
  {
    name: '54: a creation stalls past its lease',
    population: [],
    with: { workers: ['A', 'B'] },
    acts: [
      at(0, write('insert', NEW, both('new'))),
      during('create', 'done', { kind: 'stall', process: 'A', for_ms: 40_000 }),
      at(3_000, update(NEW, name('moved'))),
    ],
  },
  {
    // without the api it is restored when the object is surely gone
    name: '54, 60: deleted here; it is read, deleted there, restored here, and only then decided on',
    acts: [
      at(0, write('remove', ANN)),
      during('read', 'done', { kind: 'kill', process: 'api', for_ms: 500 }),
      during('read', 'done', eraseThere(ANN)),
      during('read', 'done', write('restore', ANN, both('back'))),
    ],
  },
  ...[true, false].map((hasEventList) => ({
    name: `8, 55: a stored 500 of an update that shortened the name, edited back, where theirs would win, ${hasEventList ? 'and' : 'and no'} event tells what it made`,
    with: { onConflict: 'remote' as const },
    stripe: { form: 'shortens names' as const, hasEventList },
    acts: [
      meets('update', 'stored 500 after'),
      at(0, update(ANN, name('the third of her name'))),
      during('update', 'arriving', update(ANN, name('a')), { nth: 2 }),
    ],
  })),
];
