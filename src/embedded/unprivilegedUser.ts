import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** Whom Postgres runs as when we are root (it refuses root), in order of preference. */
const CANDIDATES = ['postgres', '_postgres', 'nobody'];

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * null when we are a normal user (or on Windows) and nothing has to be done.
 * Throws when we are root and the machine has no unprivileged user to lend.
 */
export function unprivilegedUser(
  passwd: () => string = () => readFileSync('/etc/passwd', 'utf8'),
): SystemUser | null {
  if (process.getuid?.() !== 0) return null;
  const entries = new Map(
    passwd()
      .split('\n')
      .map((line) => line.split(':'))
      .map(
        ([name = '', , uid = '', gid = '']) => [name, { name, uid: Number(uid), gid: Number(gid) }] as const,
      ),
  );
  for (const name of CANDIDATES) {
    const user = entries.get(name);
    // Ids below zero (nobody on macOS) wrap around; setuid takes them as unsigned 32-bit numbers.
    if (user !== undefined && user.uid !== 0) return { name, uid: user.uid >>> 0, gid: user.gid >>> 0 };
  }
  throw new Error(
    `Postgres refuses to run as root, and this machine has none of the users ${CANDIDATES.join(', ')} to run it as. ` +
      'Start as a normal user, or set DATABASE_URL to a Postgres of your own.',
  );
}

/** Whether `user` may pass through every folder down to and including `folder` (mode bits only; ACLs are not read). */
export function canEnter(folder: string, user: SystemUser): boolean {
  const parent = path.dirname(folder);
  if (parent !== folder && !canEnter(parent, user)) return false;
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return true; // not there yet: whoever makes it decides
  const shift = stat.uid === user.uid ? 6 : stat.gid === user.gid ? 3 : 0;
  return ((stat.mode >> shift) & 0o1) === 0o1;
}
