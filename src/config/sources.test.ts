import { dotenvMistakes, merge } from './sources';

test('a line of .env that sets nothing is named by its number, not quoted, and does not take the next one with it', () => {
  const text = ['PORT=4000', 'API_KEYS: 0123456789abcdef', '', '# a comment', 'foo bar', '  export HOST=x'];
  expect(dotenvMistakes(text.join('\n'))).toEqual([
    'Line 2 of .env is no NAME=value: it sets nothing.',
    'Line 5 of .env is no NAME=value: it sets nothing.',
  ]);
  expect(merge({}, text.join('\n')).variables).toEqual({ PORT: '4000', HOST: 'x' });
});

test('a value in quotes may go on over several lines; one that is never closed hides no line behind it', () => {
  expect(
    dotenvMistakes('TEMPORAL_TLS_CLIENT_KEY_DATA="-----BEGIN\nabc def\n-----END"\r\nPORT = 1\r\n'),
  ).toEqual([]);
  expect(dotenvMistakes("NAME='it\nfoo bar\n")).toEqual([
    'Line 2 of .env is no NAME=value: it sets nothing.',
  ]);
  expect(dotenvMistakes('')).toEqual([]);
});
