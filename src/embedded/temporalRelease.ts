import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { downloadFile, downloadText } from './download';
import { messageOf } from './processes';

/** The newest release that `go install` accepts: later ones carry a replace line in go.mod, which it refuses. */
export const TEMPORAL_VERSION = '1.5.1';

const CHECKSUM_FILE_MAX_BYTES = 64 * 1024;
const PROGRESS_STEP = 0.2;

/** SHA-256 of the official archives of TEMPORAL_VERSION. Where one lacks, the release's own checksums.txt is asked. */
const ARCHIVE_SHA256: Readonly<Record<string, string>> = {
  linux_amd64: 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
  linux_arm64: 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
  darwin_amd64: 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9',
  darwin_arm64: 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415',
};

const RELEASE = `https://github.com/temporalio/cli/releases/download/v${TEMPORAL_VERSION}`;

export function executableName(): string {
  return process.platform === 'win32' ? 'temporal.exe' : 'temporal';
}

interface Target {
  readonly key: string;
  readonly archive: string;
  readonly urls: readonly string[];
}

const PLATFORMS: ReadonlyMap<string, string> = new Map([
  ['linux', 'linux'],
  ['darwin', 'darwin'],
  ['win32', 'windows'],
]);
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['arm64', 'arm64'],
]);

function target(): Target {
  const platform = PLATFORMS.get(process.platform);
  const arch = ARCHITECTURES.get(os.arch());
  if (platform === undefined || arch === undefined) {
    throw new Error(`Temporal publishes no archive for ${process.platform} on ${os.arch()}`);
  }
  const archive = `temporal_cli_${TEMPORAL_VERSION}_${platform}_${arch}.${platform === 'windows' ? 'zip' : 'tar.gz'}`;
  return {
    key: `${platform}_${arch}`,
    archive,
    urls: [
      `https://temporal.download/cli/archive/v${TEMPORAL_VERSION}?platform=${platform}&arch=${arch}`,
      `${RELEASE}/${archive}`,
    ],
  };
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

async function expectedSha256({ key, archive }: Target, env: NodeJS.ProcessEnv): Promise<string> {
  const known = ARCHIVE_SHA256[key];
  if (known !== undefined) return known;
  const list = await downloadText(`${RELEASE}/checksums.txt`, CHECKSUM_FILE_MAX_BYTES, env);
  const line = list.split('\n').find((candidate) => candidate.trim().endsWith(archive));
  const sum = line?.trim().split(/\s+/)[0];
  if (sum === undefined || !/^[0-9a-f]{64}$/.test(sum))
    throw new Error(`checksums.txt does not list ${archive}`);
  return sum;
}

function progressTeller(say: (line: string) => void) {
  let next = PROGRESS_STEP;
  return (bytes: number, total: number | null) => {
    if (total === null || bytes / total < next) return;
    say(`  ${Math.round((bytes / total) * 100)} % of ${Math.round(total / 1e6)} MB`);
    next += PROGRESS_STEP;
  };
}

/** Every system we run on has `tar`; Windows' own (since 2018) opens zip archives too. */
function extract(archive: string, folder: string): string {
  const run = spawnSync('tar', ['-xf', archive, '-C', folder], { encoding: 'utf8', windowsHide: true });
  if (run.error !== undefined) throw new Error(`cannot run tar: ${run.error.message}`);
  if (run.status !== 0) throw new Error(`tar could not open the archive: ${run.stderr.trim()}`);
  const binary = path.join(folder, executableName());
  if (!existsSync(binary)) throw new Error(`the archive holds no ${executableName()}`);
  return binary;
}

/**
 * Official archive -> `folder`/temporal, checksum verified before anything in it runs.
 * Throws naming what went wrong at each address.
 */
export async function downloadTemporal(
  folder: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<string> {
  const wanted = target();
  const reasons: string[] = [];
  for (const url of wanted.urls) {
    const { host } = new URL(url);
    try {
      say(`downloading Temporal ${TEMPORAL_VERSION} from ${host} (about 60 MB, once per machine)`);
      const file = path.join(folder, wanted.archive);
      await downloadFile(url, file, env, progressTeller(say));
      const [sum, expected] = [await sha256Of(file), await expectedSha256(wanted, env)];
      if (sum !== expected) {
        throw new Error(`the archive's SHA-256 is ${sum}, not ${expected}: a proxy altered it?`);
      }
      return extract(file, folder);
    } catch (error) {
      const reason = messageOf(error) || 'no connection';
      say(`  ${host}: ${reason}`);
      reasons.push(`${host}: ${reason}`);
    }
  }
  throw new Error(reasons.join('; '));
}
