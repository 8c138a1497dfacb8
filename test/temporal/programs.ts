/** More workers for a stage: a second one beside the first, and one of a release that somebody got wrong. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { anyFreePort } from '../../src/embedded/ports';
import { createPart } from '../e2e/stage';
import type { Part, Stage } from '../e2e/stage';
import { incompatible } from '../replay/incompatible';

const ROOT = path.join(__dirname, '..', '..');
const BUNDLE = path.join('dist', 'workflow-bundle.js');

export interface AnotherWorker extends Part {
  readonly url: string;
}

/** Not started yet. @param env what differs from the stage's own worker */
export async function anotherWorker(
  stage: Pick<Stage, 'env'>,
  env: Readonly<Record<string, string>> = {},
  root: string = ROOT,
): Promise<AnotherWorker> {
  const port = await anyFreePort();
  const url = `http://127.0.0.1:${port}`;
  const program = path.join(root, 'dist', 'src', 'bin', 'worker.js');
  const variables = { ...stage.env, ...env, WORKER_PORT: String(port) };
  return { ...createPart(program, variables, `${url}/health/ready`), url };
}

/** The build of a release whose workflows cannot replay what today's have begun. */
export interface BadRelease {
  readonly root: string;
  remove(): void;
}

export function makeBadRelease(): BadRelease {
  const root = mkdtempSync(path.join(os.tmpdir(), 'counterpart-release-'));
  cpSync(path.join(ROOT, 'dist'), path.join(root, 'dist'), { recursive: true });
  cpSync(path.join(ROOT, 'package.json'), path.join(root, 'package.json'));
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(root, 'node_modules'));
  writeFileSync(path.join(root, BUNDLE), incompatible(readFileSync(path.join(ROOT, BUNDLE), 'utf8')));
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}
