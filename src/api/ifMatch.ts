import type { Request } from 'express';
import { Problem } from './problem';

/** RFC 9110, 8.8.3 and 13.1.1: `*`, or entity tags separated by commas; empty members are allowed. */
const TAG = /(?:W\/)?"[\u0021\u0023-\u007e\u0080-\u00ff]*"/u.source;
const LIST = new RegExp(`^[\\s,]*${TAG}(?:\\s*,[\\s,]*${TAG})*[\\s,]*$`, 'u');

/**
 * Holds the request to its If-Match: one of the tags must be the version that stands. Weak tags never match
 * (RFC 9110, 13.1.1: strong comparison).
 * @throws Problem 412 when none is, 400 when the header is malformed
 */
export function requireMatch(request: Request, version: number): void {
  const header = request.get('if-match')?.trim();
  if (header === undefined || header === '*') return;
  if (!LIST.test(header)) {
    throw new Problem(
      'if_match_malformed',
      'Send the ETag of an earlier answer as it was, with its quotes, or *.',
    );
  }
  const strong = header.match(new RegExp(TAG, 'gu'))?.filter((tag) => !tag.startsWith('W/')) ?? [];
  if (strong.includes(`"${version}"`)) return;
  if (strong.length === 0) {
    throw new Problem(
      'if_match_weak',
      'If-Match needs the ETag without W/ before it, as it was answered. A proxy between us that compresses may have added it.',
      { headers: { ETag: `"${version}"` } },
    );
  }
  throw new Problem('version', 'Read the customer again, decide again, and send its new ETag.', {
    headers: { ETag: `"${version}"` },
  });
}
