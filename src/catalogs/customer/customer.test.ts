import fc from 'fast-check';
import { CATALOGS } from '../catalogs';
import { canonicalEmail, canonicalName, CUSTOMER } from './customer';

/** Graphemes, whole code points, lone surrogates, and the letters that lower-casing and normalising are known to trip on. */
const weirdText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)))
    .map((units) => units.join('')),
  fc
    .array(
      fc.constantFrom(
        'İ',
        'ı',
        'ẞ',
        'ß',
        'Σ',
        'ς',
        'K',
        'Å',
        'ﬁ',
        '\u0301',
        '\u0307',
        '\u00a0',
        '\ufeff',
        '\u2000',
        ' ',
        '\u0345',
        'ͅ',
        'Ά',
        'ᾼ',
        'Dž',
        '가',
        'ᄀ',
        'ᅡ',
      ),
    )
    .map((parts) => parts.join('')),
);

describe('failure 31: the form in which values are compared', () => {
  test('an e-mail is compared without surrounding blanks, in one Unicode form and without case', () => {
    expect(canonicalEmail('  ANN@Example.COM\n')).toBe('ann@example.com');
    expect(canonicalEmail('re\u0301ne\u0301@example.com')).toBe(canonicalEmail('RÉNÉ@example.com'));
  });

  test('a name keeps its case', () => {
    expect(canonicalName(' Ann  Boleyn ')).toBe('Ann  Boleyn');
    expect(canonicalName('ann')).not.toBe(canonicalName('Ann'));
  });

  test('nothing specific to a mail provider: dots and plus signs count', () => {
    expect(canonicalEmail('a.n.n+x@gmail.com')).toBe('a.n.n+x@gmail.com');
  });

  test('blank text is no value, for names and e-mails alike', () => {
    for (const blank of ['', ' ', '\t\n', '\u00a0', null]) {
      expect(canonicalName(blank)).toBeNull();
      expect(canonicalEmail(blank)).toBeNull();
    }
  });

  test.each(Object.entries(CUSTOMER.fields))(
    '%s: the form is a fixed point for whatever text there is',
    (_, field) => {
      fc.assert(
        fc.property(weirdText, (text) => {
          const once = field.canonical(text);
          expect(field.canonical(once)).toBe(once);
        }),
        { numRuns: 2_000 },
      );
    },
  );

  test.each(Object.entries(CUSTOMER.fields))(
    '%s: the Unicode form and surrounding blanks never matter',
    (_, field) => {
      fc.assert(
        fc.property(weirdText, (text) => {
          expect(field.canonical(` ${text.normalize('NFD')}\n`)).toBe(field.canonical(text));
        }),
        { numRuns: 1_000 },
      );
    },
  );
});

describe('failure 31: the form in which a value is sent', () => {
  test('without blanks around it, in one Unicode form, its case kept', () => {
    expect(CUSTOMER.fields['email']?.sent('  Trail@X.CO\n')).toBe('Trail@X.CO');
    expect(CUSTOMER.fields['name']?.sent(' Re\u0301ne\u0301 ')).toBe('R\u00e9n\u00e9');
  });

  test.each(Object.entries(CUSTOMER.fields))('%s: it is the same value, and a fixed point', (_, field) => {
    fc.assert(
      fc.property(weirdText, (text) => {
        const sent = field.sent(` ${text}\n`);
        expect(field.canonical(sent)).toBe(field.canonical(text));
        expect(field.sent(sent)).toBe(sent);
        if (typeof sent === 'string') expect(sent).toBe(sent.trim().normalize('NFC'));
      }),
      { numRuns: 1_000 },
    );
  });
});

test('every catalog is found by its name, and is recognised by a field it has', () => {
  for (const [name, catalog] of CATALOGS) {
    expect(catalog.name).toBe(name);
    if (catalog.recognisedBy !== null) expect(Object.keys(catalog.fields)).toContain(catalog.recognisedBy);
  }
});
