import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..', '..');
const PROGRAMS = ['src/bin/launch.mjs', 'src/bin/test.mjs'];

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'counterpart-dependencies-')));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A clone whose node_modules leads to another folder, and an npm that does what `npm ci` does first. */
function cloneWithLink() {
  const clone = path.join(folder, 'clone');
  const elsewhere = path.join(folder, 'elsewhere');
  const kept = path.join(elsewhere, 'express', 'index.js');
  for (const file of [...PROGRAMS, 'src/embedded/dependencies.mjs', 'package.json', 'package-lock.json'])
    cpSync(path.join(ROOT, file), path.join(clone, file));
  mkdirSync(path.dirname(kept), { recursive: true });
  writeFileSync(kept, '');
  writeFileSync(path.join(elsewhere, '.package-lock.json'), '{}');
  utimesSync(path.join(elsewhere, '.package-lock.json'), 1, 1);
  symlinkSync(elsewhere, path.join(clone, 'node_modules'), 'junction');
  const npm = path.join(folder, 'npm.js');
  writeFileSync(
    npm,
    "const fs = require('node:fs'); for (const name of fs.readdirSync('node_modules')) fs.rmSync('node_modules/' + name, { recursive: true }); process.exit(1);",
  );
  const run = (program: string) =>
    spawnSync(process.execPath, [path.join(clone, program)], {
      cwd: clone,
      env: { ...process.env, npm_execpath: npm },
      encoding: 'utf8',
    });
  return { run, kept, elsewhere };
}

test.each(PROGRAMS)(
  '%s empties no folder that node_modules only leads to, and says what to do',
  (program) => {
    const { run, kept, elsewhere } = cloneWithLink();
    const { status, stderr } = run(program);
    expect(status).toBe(1);
    expect(stderr).toContain(`node_modules is a link to ${elsewhere}`);
    expect(stderr).toContain('Remove the link');
    expect(existsSync(kept)).toBe(true);
  },
);
