import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PLANTED } from './table';

const ROOT = path.resolve(__dirname, '..', '..', '..', '..');

test.each(PLANTED.map((defect) => [defect.name, defect] as const))(
  '%s: what it replaces stands in its file exactly once',
  (_, { file, find }) => {
    const source = readFileSync(path.join(ROOT, file), 'utf8');
    expect(source.split(find).length - 1).toBe(1);
  },
);

test('at least thirty mistakes are planted, each under a name of its own', () => {
  expect(PLANTED.length).toBeGreaterThan(30);
  expect(new Set(PLANTED.map(({ name }) => name)).size).toBe(PLANTED.length);
});
