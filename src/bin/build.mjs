/**
 * `npm run build`: TypeScript -> dist, pages and styles beside it, then the workflow bundle. Does nothing when nothing
 * has changed. Only node:* here; the compiler is run as a program.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const dist = path.join(root, 'dist');
const stampFile = path.join(dist, '.built-from');
const SOURCE_FOLDERS = [
  'src',
  'workflows',
  'activities',
  'migrations',
  'bench',
  'test/simulation',
  'test/chaos',
];
const SOURCE_FILES = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
const ASSETS = new Set(['.html', '.css', '.js', '.json', '.svg', '.png', '.ico']);

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

/** Names, sizes and times of all sources: enough to see any edit, and read in milliseconds. */
function stampOf(files) {
  const hash = createHash('sha256').update(process.version);
  for (const file of files.toSorted()) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${path.relative(root, file)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function run(args) {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', windowsHide: true });
  if (result.status !== 0) {
    process.stderr.write(`build: ${path.basename(args[0])} failed; its messages are above\n`);
    process.exit(1);
  }
}

/** What was compiled from a source that is gone would go on being loaded. */
function removeOrphans(sources) {
  const wanted = new Set();
  for (const file of sources) {
    const target = path.join(dist, path.relative(root, file));
    wanted.add(target);
    if (file.endsWith('.ts'))
      for (const end of ['.js', '.js.map', '.d.ts']) wanted.add(target.replace(/\.ts$/, end));
  }
  for (const folder of SOURCE_FOLDERS) {
    for (const file of filesBelow(path.join(dist, folder))) if (!wanted.has(file)) rmSync(file);
  }
}

function copyAssets(sources) {
  for (const file of sources) {
    const relative = path.relative(root, file);
    if (!relative.startsWith(`src${path.sep}`) || !ASSETS.has(path.extname(file))) continue;
    const target = path.join(dist, relative);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
}

const sources = SOURCE_FOLDERS.flatMap((folder) => filesBelow(path.join(root, folder)));
const stamp = stampOf([
  ...sources,
  ...SOURCE_FILES.map((name) => path.join(root, name)).filter((file) => existsSync(file)),
]);
const isFresh = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
if (!isFresh) {
  const began = Date.now();
  process.stderr.write('building …\n');
  rmSync(stampFile, { force: true }); // an interrupted build must not pass for a finished one
  run([path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json']);
  removeOrphans(sources);
  copyAssets(sources);
  // npm makes the package's command executable where it links it, once; a build after that writes it anew
  chmodSync(path.join(dist, 'src', 'bin', 'counterpart.js'), 0o755);
  const bundle = path.join(dist, 'src', 'bin', 'bundle.js');
  if (existsSync(bundle)) run([bundle]);
  writeFileSync(stampFile, stamp);
  process.stderr.write(`built in ${((Date.now() - began) / 1000).toFixed(1)} s\n`);
}
