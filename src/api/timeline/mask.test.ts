import type { TimelineEntry } from '../../store/timeline';
import { masked } from './mask';

function name(value: unknown, before: unknown = null): unknown {
  const entry: TimelineEntry = {
    seq: 1,
    at: new Date(0),
    kind: 'change',
    connection: null,
    linkId: null,
    runId: null,
    requestId: null,
    version: 1,
    changes: { name: [before, value] },
    detail: {},
  };
  return masked(entry).changes['name']?.[1];
}

test('I16: what is masked can be recognised and not read', () => {
  expect(name('ann@example.com')).toBe('a***@e***.com');
  expect(name('Ann Lee')).toBe('A***');
  expect(name('a@b')).toBe('a***@b***');
  expect(name('@')).toBe('***@***');
  expect(name('ann@home@mail.example.org')).toBe('a***@m***.org');
  expect(name('Ann @ Acme. Anna Maria Lee')).toBe('A***@A***');
});

test('nothing is nothing, and a character of two halves stays whole', () => {
  expect(name(null)).toBeNull();
  expect(name('')).toBe('');
  expect(name('😀 smile')).toBe('😀***');
});

test('both values of a pair are masked, whatever else stands there', () => {
  expect(name({ ours: 'Ann', theirs: 'Anna', pulled: true })).toEqual({
    ours: 'A***',
    theirs: 'A***',
    pulled: true,
  });
});

test('a value that looks as before, being masked, says that it is another', () => {
  expect(name('Anna', 'Ann')).toBe('A*** (another)');
  expect(name('Bo', 'Ann')).toBe('B***');
  expect(name('Ann', 'Ann')).toBe('A***');
  expect(name({ ours: 'Anna', theirs: 'Ann' }, { ours: 'Ann', theirs: 'Ann' })).toEqual({
    ours: 'A*** (another)',
    theirs: 'A***',
  });
});
