import {
  parseCatalogName,
  parseConnectionName,
  parseInstallationId,
  parseRecordId,
  parseRemoteId,
  trusted,
} from './ids';

const UUID = '01900000-0000-7000-8000-0000000000ab';

describe('record ids', () => {
  test('a UUID is one, in lower case whatever was written', () => {
    expect(parseRecordId(UUID)).toBe(UUID);
    expect(parseRecordId(UUID.toUpperCase())).toBe(UUID);
  });
  test.each([
    '',
    'cus_123',
    UUID.slice(1),
    `${UUID}0`,
    ` ${UUID}`,
    `${UUID}\n`,
    UUID.replaceAll('-', ''),
    `{${UUID}}`,
  ])('%j is none', (text) => expect(parseRecordId(text)).toBeNull());
});

describe('remote ids', () => {
  test('anything the system may call its objects is one', () => {
    for (const text of ['cus_1', '0015g00000XYZ', 'a/b c', '\u{1f600}', 'x'.repeat(255)])
      expect(parseRemoteId(text)).toBe(text);
  });
  test('nothing, and absurdly much, is none', () => {
    expect(parseRemoteId('')).toBeNull();
    expect(parseRemoteId('x'.repeat(256))).toBeNull();
  });
  test.each(['cus_\u0000', 'cus_\ud83d', '\ude00'])('%j cannot be stored and is none', (text) => {
    expect(parseRemoteId(text)).toBeNull();
  });
});

describe('names of connections and catalogs', () => {
  test.each(['stripe', 'stripe-eu_2', 'a', 'a'.repeat(40)])('%j is one', (text) => {
    expect(parseConnectionName(text)).toBe(text);
    expect(parseCatalogName(text)).toBe(text);
  });
  test.each(['', 'Stripe', '2stripe', '-a', 'a b', 'a/b', 'a\n', 'é', 'a'.repeat(41)])(
    '%j is none',
    (text) => {
      expect(parseConnectionName(text)).toBeNull();
      expect(parseCatalogName(text)).toBeNull();
    },
  );
});

describe('installation ids', () => {
  test('16 hexadecimal digits are one', () => {
    expect(parseInstallationId('0123456789abcdef')).toBe('0123456789abcdef');
  });
  test.each(['', '0123456789ABCDEF', '0123456789abcde', '0123456789abcdef0', '0123456789abcdeg'])(
    '%j is none',
    (text) => expect(parseInstallationId(text)).toBeNull(),
  );
});

describe('text from our own store', () => {
  test('what parses is handed on', () => expect(trusted(parseRecordId(UUID), 'record id')).toBe(UUID));
  test('what does not stops here, and the error names what, not the value', () => {
    expect(() => trusted(parseRecordId('someone@example.com'), 'record id')).toThrow(
      /^A malformed record id came/,
    );
  });
});
