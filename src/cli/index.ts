/**
 * TALK on a terminal: the command `counterpart`, a client of the API and of nothing else.
 * May touch: commander, zod, node:http(s). Touched by: src/bin/counterpart.ts.
 */
import { Command, CommanderError, Option } from 'commander';
import { z, ZodError } from 'zod';
import { applyLost, restoreCustomer } from './change';
import type { ChangeOptions } from './change';
import type { Report } from './report';
import { connectTo, Failed } from './server';
import type { Server } from './server';
import { showCustomer } from './show';
import { showStatus } from './status';
import { askForSweep, sayRecovered, showSweeps } from './sweep';
import type { SweepOptions } from './sweep';
import { showTimeline } from './timeline';

const HELP = `
COUNTERPART_URL and COUNTERPART_API_KEY say where and who, from the environment or .env.
Without COUNTERPART_URL: this machine, at PORT (3000).
Exit: 0 fine, 1 a finding, 2 it could not be done.`;

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** Text with its line end. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly version: string;
}

/** 0 fine, 1 a finding, 2 it could not be done. */
export type ExitCode = 0 | 1 | 2;

type Options = ChangeOptions & SweepOptions & { readonly json?: boolean; readonly mask?: boolean };
type Run = (server: Server, operands: readonly string[], options: Options) => Promise<Report>;

/** How the command is called here, for hints that can be copied: `npx` says so in its environment. */
function programName(env: Terminal['env']): string {
  return env['npm_command'] === 'exec' ? 'npx --no-install counterpart' : 'counterpart';
}

function retry(program: string): Run {
  return async (server, [id = '']) => {
    const answer = await server.post(`/customers/${encodeURIComponent(id)}/sync`);
    const lines = [`${id} will be looked at now. See: ${program} show ${id}`];
    return { answer, lines, finding: false };
  };
}

function toggle(verb: 'pause' | 'resume'): Run {
  return async (server, [name = '']) => {
    const answer = await server.post(`/connections/${encodeURIComponent(name)}/${verb}`);
    return { answer, lines: [`${name} is ${verb === 'pause' ? 'paused' : 'resumed'}.`], finding: false };
  };
}

const allowedAnswer = z.object({ released: z.number() });

async function allowDeletes(server: Server, [name = '']: readonly string[]): Promise<Report> {
  const answer = await server.post(`/connections/${encodeURIComponent(name)}/allow-deletes`);
  const { released } = allowedAnswer.parse(answer);
  const count = released === 1 ? '1 deletion that was held goes' : `${released} deletions that were held go`;
  return {
    answer,
    lines: [
      `${count} on at ${name}, and so do those that are queued by now. Later ones are guarded as before.`,
    ],
    finding: false,
  };
}

function failureOf(error: unknown): { message: string; problem: unknown } {
  if (error instanceof Failed) return { message: error.message, problem: error.problem };
  if (error instanceof ZodError) {
    return {
      message: 'The API answered in a form this version does not know. Use the same version of both.',
      problem: null,
    };
  }
  throw error;
}

/** Every command with its usage, its sentence for the help, and what it does. */
function commandsOf(terminal: Terminal): ReadonlyArray<readonly [usage: string, what: string, run: Run]> {
  const program = programName(terminal.env);
  return [
    [
      'status',
      'what is not in sync, why, and since when',
      (server) => showStatus(server, terminal.now(), program),
    ],
    [
      'show <id>',
      'where one customer stands, what it lost, and what happened last',
      (server, [id = '']) => showCustomer(server, { id, program, nowMs: terminal.now() }),
    ],
    [
      'timeline <id>',
      'all that happened to one customer, also to a deleted one',
      (server, [id = ''], { mask = false }) => showTimeline(server, id, mask),
    ],
    ['retry <id>', 'look at one customer again now', retry(program)],
    [
      'apply <id> <conflict>',
      'take a value that lost, or answer a question; `show` names both ids',
      (server, [id = '', conflict = ''], options) => applyLost(server, { id, conflict, program }, options),
    ],
    [
      'restore <id>',
      'bring a deleted customer back',
      (server, [id = ''], options) => restoreCustomer(server, { id, program }, options),
    ],
    [
      'sweep',
      'compare everything with another system, and heal what no event told of',
      (server, _, options) => askForSweep(server, program, options),
    ],
    [
      'sweeps [id]',
      'what the last sweeps found, or one of them',
      (server, [id = '']) => showSweeps(server, id),
    ],
    [
      'recovered',
      'say that an older backup of the database was restored: read everything before anything is sent',
      (server) => sayRecovered(server, program),
    ],
    ['pause <connection>', 'send nothing there until it is resumed', toggle('pause')],
    ['resume <connection>', 'go on with a paused connection', toggle('resume')],
    [
      'allow-deletes <connection>',
      'let the deletions go on that were held for being many, and those that are queued by now',
      allowDeletes,
    ],
  ];
}

function addOptions(command: Command): void {
  command.option('--json', "print the API's answer");
  const name = command.name();
  if (name === 'apply') {
    const take = new Option(
      '--take <side>',
      'whose value: ours (local) or theirs (remote); needed where nobody decided yet, and for an edit that lost to a deletion',
    );
    command.addOption(take.choices(['local', 'remote']));
  }
  if (name === 'sweep') {
    command.option('--connection <name>', 'which one; may be left out where there is only one');
    command.option('--wait', 'until what was found is healed or parked');
  }
  if (name === 'timeline') command.option('--mask', 'personal values as a***@e***.com');
  if (name === 'apply' || name === 'restore') {
    command.option('--allow-duplicate', 'also where another customer has this e-mail');
  }
}

/** Runs one command line. @param args without the program's own name */
export async function runCounterpart(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = 0;
  async function act(run: Run, command: Command): Promise<void> {
    const options = command.opts<Options>();
    try {
      const report = await run(connectTo(terminal.env), command.args, options);
      const text = options.json === true ? JSON.stringify(report.answer, null, 2) : report.lines.join('\n');
      terminal.out(`${text}\n`);
      code = report.finding ? 1 : 0;
    } catch (error) {
      const { message, problem } = failureOf(error);
      if (options.json === true) terminal.out(`${JSON.stringify(problem ?? { error: message }, null, 2)}\n`);
      terminal.err(`${message}\n`);
      code = 2;
    }
  }
  const program = new Command('counterpart')
    .description('Asks a running Counterpart what is not in sync, and tells it what to do.')
    .version(terminal.version)
    .addHelpText('after', HELP)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  for (const [usage, what, run] of commandsOf(terminal)) {
    const command = program.command(usage).description(what);
    addOptions(command);
    command.action(() => act(run, command));
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    // commander has said already what is wrong with the command line, or shown its help.
    if (!(error instanceof CommanderError)) throw error;
    // `help show` takes its code from the process, which has none yet
    const helped = error.code === 'commander.help' && args[0] === 'help';
    return helped || error.exitCode === 0 ? 0 : 2;
  }
  return code;
}
