import { isCron } from './cron';

test.each(['0 3 * * *', '*/15 0-6,22 1,15 * mon-fri', '59 23 31 12 7', ' 5  4 * jan SUN '])(
  '%p is a cron line',
  (text) => {
    expect(isCron(text)).toBe(true);
  },
);

test.each([
  '',
  'nightly',
  '0 3 * *',
  '0 3 * * * *',
  '60 3 * * *',
  '0 24 * * *',
  '0 3 0 * *',
  '*/0 3 * * *',
  '1-2-3 * * * *',
])('%p is none', (text) => {
  expect(isCron(text)).toBe(false);
});
