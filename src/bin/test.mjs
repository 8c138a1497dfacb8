/**
 * `npm test`: sets up everything the tests need (dependencies, one Postgres, one Temporal), runs jest with the given
 * arguments, tears everything down, and ends with the line "N passed, N failed". Reads no .env.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { ensureDependencies } from '../embedded/dependencies.mjs';

const ENVIRONMENT_END_MAX_MS = 40_000;
/** After its last test jest has this long to go; what keeps it alive is a leak. */
const LEAK_MESSAGES = [
  'Jest did not exit one second after',
  'A worker process has failed to exit gracefully',
];

/**
 * All tests run as two jests side by side, each one file at a time: half of the time of the end-to-end tests is waiting for
 * leases and retries. Measured on 2 cores: 519 s one after the other. Not jest's own workers: they are ended half a second
 * after their last test, so that one cannot tell a leak from a busy machine.
 */
const END_TO_END = String.raw`\.e2e\.test\.ts$`;
const LANES = [
  ['--runInBand', '--testPathPatterns', END_TO_END],
  ['--runInBand', '--testPathIgnorePatterns', '/node_modules/', END_TO_END],
];

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const jestBin = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const args = process.argv.slice(2);
const running = new Set();
let interrupted = false;

function say(line) {
  process.stderr.write(`${line}\n`);
}

/** The tests' own environment: nothing a developer has set for the product may reach them. */
function cleanEnvironment() {
  const product = JSON.parse(
    readFileSync(path.join(root, 'test', 'environment', 'productVariables.json'), 'utf8'),
  );
  const isProduct = (name) =>
    product.names.includes(name) || product.prefixes.some((start) => name.startsWith(start));
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isProduct(name)));
}

/** What the selected tests need, by their suffix. */
function selectedNeeds(env) {
  const run = spawnSync(process.execPath, [jestBin, '--listTests', ...args], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  const files = run.stdout.split('\n').filter((line) => /\.(test|proof)\.ts$/.test(line));
  const any = (pattern) => files.some((file) => pattern.test(file));
  return {
    postgres: any(/\.(pg|wf|e2e)\.(test|proof)\.ts$/),
    temporal: any(/\.(wf|e2e)\.(test|proof)\.ts$/),
    build: any(/\.e2e\.(test|proof)\.ts$/),
  };
}

/** Starts the process that holds Postgres and Temporal; resolves with what it printed. */
function startEnvironment(env, needs) {
  const child = spawn(
    process.execPath,
    [
      '--require',
      path.join(root, 'test', 'environment', 'swcRegister.cjs'),
      path.join(root, 'test', 'environment', 'main.ts'),
      ...(needs.temporal ? ['--temporal'] : []),
    ],
    {
      cwd: root,
      // TEMPORAL_CLI names a tool, not a server: the one product variable that holds for tests as well.
      env: { ...env, ...(process.env.TEMPORAL_CLI ? { TEMPORAL_CLI: process.env.TEMPORAL_CLI } : {}) },
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true, // Ctrl-C must not end it before the tests that use it
      windowsHide: true,
    },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin.on('error', (error) => say(`test environment: ${error.message}`));
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the test environment ended by itself (exit ${code})`)));
  });
  const stop = async () => {
    child.stdin.end();
    const late = setTimeout(() => child.kill('SIGKILL'), ENVIRONMENT_END_MAX_MS);
    await ended;
    clearTimeout(late);
  };
  return { ready, stop };
}

function testVariables(environment) {
  const variables = { TEST_DATABASE_URL: environment.databaseUrl };
  if (environment.temporalAddress !== null) {
    variables.TEST_TEMPORAL_ADDRESS = environment.temporalAddress;
    variables.TEST_TEMPORAL_UI = environment.temporalUi;
  } else variables.TEST_TEMPORAL_ERROR = environment.temporalError;
  return variables;
}

/** Runs jest; resolves with its exit code and whether it leaked. A jest that does not end is ended. */
function runJest(env, resultFile, selection) {
  const colors = process.stderr.isTTY ? ['--colors'] : [];
  const child = spawn(
    process.execPath,
    [jestBin, '--json', `--outputFile=${resultFile}`, ...colors, ...selection],
    {
      cwd: root,
      env,
      stdio: ['inherit', 'ignore', 'pipe'],
      windowsHide: true,
    },
  );
  running.add(child);
  let leaked = false;
  let recent = '';
  child.stderr.on('data', (chunk) => {
    process.stderr.write(chunk);
    recent = (recent + chunk).slice(-4_000);
    const found = LEAK_MESSAGES.find((message) => recent.includes(message));
    if (found === undefined || leaked) return;
    leaked = true;
    if (found === LEAK_MESSAGES[0]) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      resolve({ code: code ?? 1, leaked });
    });
  });
}

function readResult(resultFile) {
  try {
    return JSON.parse(readFileSync(resultFile, 'utf8'));
  } catch {
    return null; // jest ended before it could write: counted as a failure
  }
}

function count(result, outcome) {
  const passed = result?.numPassedTests ?? 0;
  let failed = result === null ? 1 : result.numFailedTests + result.numRuntimeErrorTestSuites;
  const skipped = (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0);
  if (skipped > 0) say(`${skipped} skipped`);
  if (outcome.leaked) {
    say('A test left something running (a worker, a pool, a timer): that is a failure.');
    failed += 1;
  }
  if (failed === 0 && outcome.code !== 0) failed += 1;
  return { passed, failed };
}

async function main() {
  ensureDependencies(root);
  const env = cleanEnvironment();
  const needs = selectedNeeds(env);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'counterpart-jest-'));
  const environment = needs.postgres ? startEnvironment(env, needs) : null;
  try {
    const facts = environment === null ? null : await environment.ready;
    const temporalMissing = needs.temporal && facts.temporalAddress === null;
    if (temporalMissing) say(`\nTests that need Temporal will fail: ${facts.temporalError}\n`);
    if (needs.build) {
      const build = spawnSync(process.execPath, [path.join(root, 'src', 'bin', 'build.mjs')], {
        cwd: root,
        env,
        stdio: 'inherit',
      });
      if (build.status !== 0)
        say('The build failed (above); end-to-end tests will run what was built before.');
    }
    if (interrupted) return { passed: 0, failed: 1 };
    const variables = { ...env, ...(facts === null ? {} : testVariables(facts)) };
    const counts = await Promise.all(
      (args.length === 0 ? LANES : [args]).map(async (selection, lane) => {
        const resultFile = path.join(folder, `result-${lane}.json`);
        const outcome = await runJest(variables, resultFile, selection);
        return count(readResult(resultFile), outcome);
      }),
    );
    const passed = counts.reduce((sum, lane) => sum + lane.passed, 0);
    const failed = counts.reduce((sum, lane) => sum + lane.failed, 0);
    return { passed, failed: failed === 0 && temporalMissing ? 1 : failed };
  } finally {
    await environment?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    // The terminal has told jest as well; a jest that does not listen is ended by the second one.
    for (const child of running) child.kill(interrupted ? 'SIGKILL' : 'SIGTERM');
    interrupted = true;
  });
}

let result = { passed: 0, failed: 1 };
try {
  result = await main();
} catch (error) {
  say(`npm test could not run: ${error.message}`);
}
if (interrupted && result.failed === 0) result.failed = 1;
process.stdout.write(`${result.passed} passed, ${result.failed} failed\n`);
process.exitCode = result.failed === 0 ? 0 : 1;
