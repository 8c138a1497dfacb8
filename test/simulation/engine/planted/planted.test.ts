import { readFileSync } from 'node:fs';
import path from 'node:path';
import { STORIES } from '../../world/stories';
import { PLANTED } from './table';

const ROOT = path.resolve(__dirname, '..', '..', '..', '..');

test.each(PLANTED.map((defect) => [defect.name, defect] as const))(
  '%s: what it replaces stands in its file exactly once',
  (_, { file, find, and }) => {
    const source = readFileSync(path.join(ROOT, file), 'utf8');
    for (const text of [find, ...(and === undefined ? [] : [and.find])])
      expect(source.split(text).length - 1).toBe(1);
  },
);

test('at least thirty mistakes are planted, each under a name of its own', () => {
  expect(PLANTED.length).toBeGreaterThan(30);
  expect(new Set(PLANTED.map(({ name }) => name)).size).toBe(PLANTED.length);
});

test.each(PLANTED.map((defect) => [defect.name, defect] as const))(
  '%s: the stories that are likely to show it exist',
  (_, { shownBy = [] }) => {
    for (const start of shownBy) expect(STORIES.some(({ name }) => name.startsWith(start))).toBe(true);
  },
);
