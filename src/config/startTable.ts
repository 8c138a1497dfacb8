import { API_URL_BY_DEFAULT } from './apiAddress';
import type { ConfiguredConnection } from '../connectors/system';
import type { Config, Source } from './index';
import type { Resolution } from './variables';

const KEY_TAIL_CHARS = 4;
const KEY_TAIL_FROM_CHARS = 16;

/** One line of what the start prints. */
export interface StartRow {
  readonly part: string;
  readonly where: string;
  /** `embedded` or `real`, and where the setting came from. */
  readonly from: string;
}

export interface Addresses {
  readonly apiUrl: string;
  readonly workerUrl: string;
  readonly temporalUiUrl: string | null;
  readonly temporalAddress: string;
  readonly simulatorUrl: string | null;
  readonly databaseUrl: string;
}

/** `sk_test_…abcd`; a key too short to spare four characters shows none of its own. */
export function maskSecret(secret: string): string {
  const prefix = /^[a-z]+_(?:test_|live_)?/.exec(secret)?.[0] ?? '';
  return prefix + '…' + (secret.length >= KEY_TAIL_FROM_CHARS ? secret.slice(-KEY_TAIL_CHARS) : '');
}

/** The URL without its password. */
export function maskUrl(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  if (url.searchParams.has('password')) url.searchParams.set('password', '***');
  return url.href;
}

function source(config: Config, ...variables: string[]): string {
  const named = variables.filter((variable) => config.sources[variable] !== undefined);
  if (named.length === 0) return 'default';
  const where = (variable: string): Source => config.sources[variable] ?? 'default';
  return named
    .map((variable) => `${variable} from ${where(variable) === '.env' ? '.env' : 'the environment'}`)
    .join(', ');
}

function connectionRow(
  config: Config,
  addresses: Addresses,
  { mode, shown }: ConfiguredConnection,
): StartRow {
  if (mode === 'simulator' && addresses.simulatorUrl !== null) {
    return {
      part: `${shown.title} simulator`,
      where: addresses.simulatorUrl,
      from: `embedded; ${source(config, 'SIMULATOR_PORT')}`,
    };
  }
  const { title, address, secret, variables } = shown;
  const key = secret === null ? '' : `  key ${maskSecret(secret)}`;
  return {
    part: `${title} (${mode} mode)`,
    where: `${address}${key}`,
    from: `real; ${source(config, ...variables)}`,
  };
}

function temporalRows(config: Config, addresses: Addresses): StartRow[] {
  const { namespace } = config.temporal;
  if (addresses.temporalUiUrl === null) {
    const set = Object.keys(config.sources).filter(
      (name) => name.startsWith('TEMPORAL_') && name !== 'TEMPORAL_CLI',
    );
    const where = `${addresses.temporalAddress}  namespace ${namespace}`;
    return [{ part: 'Temporal', where, from: `real; ${source(config, ...set)}` }];
  }
  const ui = `${addresses.temporalUiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return [
    { part: 'Temporal Web UI', where: ui, from: `embedded; ${source(config, 'TEMPORAL_UI_PORT')}` },
    {
      part: 'Temporal',
      where: addresses.temporalAddress,
      from: `embedded; ${source(config, 'TEMPORAL_PORT')}`,
    },
  ];
}

function heardRow(config: Config, { shown, pollMs }: ConfiguredConnection): StartRow {
  return {
    part: `${shown.title} is heard by`,
    where: shown.delivers ? 'webhooks, and a poll as catch-up' : `a poll every ${pollMs / 1000} s`,
    from: source(config, ...shown.heardBy),
  };
}

function limitRow(config: Config, { shown, limits }: ConfiguredConnection): StartRow {
  const { perSecond, perEndpoint } = limits;
  const endpoint = perEndpoint === null ? '' : `, each endpoint at most ${perEndpoint}`;
  return {
    part: `${shown.title} is called`,
    where: perSecond === null ? 'without a limit of ours' : `at most ${perSecond} times a second${endpoint}`,
    from: source(config, ...shown.limitedBy),
  };
}

/** Only where the command `counterpart` would not look by itself. */
function commandLineRows({ apiUrl }: Addresses): StartRow[] {
  if (apiUrl === API_URL_BY_DEFAULT) return [];
  return [{ part: 'Command line', where: `COUNTERPART_URL=${apiUrl}`, from: '' }];
}

const RESOLUTION_SAID = {
  local: 'ours wins',
  remote: 'theirs wins',
  ask: 'a person is asked',
} as const satisfies Record<Resolution, string>;

function conflicts({ policy }: Config): string {
  const fields = Object.entries(policy.fields).map(([field, how]) => `${field}: ${RESOLUTION_SAID[how]}`);
  return [RESOLUTION_SAID[policy.default], ...fields].join('; ');
}

function heldFrom({ deleteGuard }: Config): string {
  if (deleteGuard === null) return 'not held';
  const { count, percent, windowMs } = deleteGuard;
  const share = percent === 0 ? '' : `, or ${percent} % of the records where that is more,`;
  const time = windowMs % 60_000 === 0 ? `${windowMs / 60_000} min` : `${windowMs / 1000} s`;
  return `held above ${count}${share} in ${time}`;
}

/** What decides, beside the parts: whoever set one sees here that it is in force. */
function ruleRows(config: Config): StartRow[] {
  const names = config.connections.map(({ name }) => name);
  const ranked = { part: 'Rank', where: names.join(', then '), from: source(config, 'CONNECTION_RANK') };
  return [
    { part: 'Conflicts', where: conflicts(config), from: source(config, 'CONFLICT_POLICY') },
    ...(names.length > 1 || config.sources['CONNECTION_RANK'] !== undefined ? [ranked] : []),
    { part: 'Deletes', where: config.onDelete, from: source(config, 'ON_DELETE') },
    { part: 'Deletes in a burst', where: heldFrom(config), from: source(config, 'DELETE_GUARD') },
    { part: 'Sweeps', where: sweeps(config), from: source(config, 'SWEEP_CRON') },
  ];
}

function sweeps({ sweepCron }: Config): string {
  return sweepCron === null ? 'only when asked' : `${sweepCron} (UTC)`;
}

/** Every part of the system, where it is, whether embedded or real, and where that was set. Secrets masked. */
export function startTable(config: Config, addresses: Addresses): StartRow[] {
  const kind = config.databaseUrl === null ? 'embedded' : 'real';
  return [
    { part: 'API', where: addresses.apiUrl, from: source(config, 'HOST', 'PORT') },
    { part: 'API docs', where: `${addresses.apiUrl}/docs`, from: '' },
    ...commandLineRows(addresses),
    {
      part: 'Worker',
      where: `${addresses.workerUrl}/health/ready`,
      from: source(config, 'HOST', 'WORKER_PORT'),
    },
    ...temporalRows(config, addresses),
    ...config.connections.flatMap((connection) => [
      connectionRow(config, addresses, connection),
      heardRow(config, connection),
      limitRow(config, connection),
    ]),
    {
      part: 'Postgres',
      where: `psql ${maskUrl(addresses.databaseUrl)}`,
      from: `${kind}; ${source(config, kind === 'real' ? 'DATABASE_URL' : 'POSTGRES_PORT')}`,
    },
    ...ruleRows(config),
    { part: 'API keys', where: apiKeys(config), from: source(config, 'API_KEYS') },
    { part: 'Data and logs', where: config.dataDir, from: source(config, 'DATA_DIR') },
    { part: 'Log level', where: config.logLevel, from: source(config, 'LOG_LEVEL') },
  ];
}

function apiKeys({ apiKeys: keys }: Config): string {
  return keys.length === 0
    ? 'none needed (this machine only)'
    : keys.map((key) => maskSecret(key)).join(', ');
}

/** A request to try everything with, in the form this platform's shell takes. */
export function tryIt(
  config: Pick<Config, 'apiKeys'>,
  addresses: Addresses,
  platform: NodeJS.Platform = process.platform,
): string[] {
  const windows = platform === 'win32';
  const body = '{"name":"Ada Lovelace","email":"ada@example.com"}';
  const quoted = windows ? `"${body.replaceAll('"', '\\"')}"` : `'${body}'`;
  const key = config.apiKeys.length === 0 ? '' : ' -H "Authorization: Bearer <one of API_KEYS>"';
  // In PowerShell `curl` is something else. The \n is curl's own: no shell unfolds it between double quotes.
  const curl = `${windows ? 'curl.exe' : 'curl'} -s -w "\\n" ${addresses.apiUrl}/customers`;
  const see = addresses.simulatorUrl === null ? [] : [`and see it at ${addresses.simulatorUrl}`];
  return [
    'Try it:',
    `  ${curl} -H "Content-Type: application/json"${key} -d ${quoted}`,
    ...see,
    'For another customer change the e-mail: a second one with the same is refused (409).',
  ];
}
