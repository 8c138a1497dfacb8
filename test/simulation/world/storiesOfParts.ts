import { ANN, at, BEN, both, citizen, during, editThere, name, NEW, update, write } from './story';
import type { Story } from './story';

const TWO = [citizen(ANN, 'paired', both('a')), citizen(BEN, 'paired', both('b'))];

/** Processes that die or stall, clocks, and the workflow engine (failures 33 to 54). */
export const OF_PARTS: readonly Story[] = [
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
    name: '54: a creation stalls past its lease',
    population: [],
    with: { workers: ['A', 'B'] },
    acts: [
      at(0, write('insert', NEW, both('new'))),
      during('create', 'done', { kind: 'stall', process: 'A', for_ms: 40_000 }),
      at(3_000, update(NEW, name('moved'))),
    ],
  },
];
