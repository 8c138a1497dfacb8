/**
 * TALK on a terminal: the command `counterpart`, a client of the API and of nothing else.
 * May touch: commander, zod, fetch. Touched by: src/bin/counterpart.ts.
 */
import { Command, CommanderError } from 'commander';
import { ZodError } from 'zod';
import type { Report } from './report';
import { connectTo, Failed } from './server';
import type { Server } from './server';
import { showCustomer } from './show';
import { showStatus } from './status';

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** Text with its line end. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** 0 fine, 1 a finding, 2 it could not be done. */
export type ExitCode = 0 | 1 | 2;

type Run = (server: Server, argument: string) => Promise<Report>;

async function retry(server: Server, id: string): Promise<Report> {
  const answer = await server.post(`/customers/${encodeURIComponent(id)}/sync`);
  return { answer, lines: [`${id} will be looked at now. See: counterpart show ${id}`], finding: false };
}

function toggle(verb: 'pause' | 'resume'): Run {
  return async (server, name) => {
    const answer = await server.post(`/connections/${encodeURIComponent(name)}/${verb}`);
    return { answer, lines: [`${name} is ${verb === 'pause' ? 'paused' : 'resumed'}.`], finding: false };
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

/** Runs one command line. @param args without the program's own name */
export async function runCounterpart(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = 0;
  const act = (run: Run) => async (argument: string, options: { json?: boolean }) => {
    try {
      const report = await run(connectTo(terminal.env), argument);
      const text = options.json === true ? JSON.stringify(report.answer, null, 2) : report.lines.join('\n');
      terminal.out(`${text}\n`);
      code = report.finding ? 1 : 0;
    } catch (error) {
      const { message, problem } = failureOf(error);
      if (options.json === true) terminal.out(`${JSON.stringify(problem ?? { error: message }, null, 2)}\n`);
      terminal.err(`${message}\n`);
      code = 2;
    }
  };
  const program = new Command('counterpart')
    .description('Asks a running Counterpart what is not in sync, and tells it what to do.')
    .addHelpText(
      'after',
      '\nCOUNTERPART_URL (http://127.0.0.1:3000) and COUNTERPART_API_KEY say where and who.\nExit: 0 fine, 1 a finding, 2 it could not be done.',
    )
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  const add = (usage: string, what: string, run: Run) =>
    program.command(usage).description(what).option('--json', "print the API's answer").action(act(run));
  program
    .command('status')
    .description('what is not in sync, why, and since when')
    .option('--json', "print the API's answer")
    .action((options: { json?: boolean }) =>
      act((server) => showStatus(server, terminal.now()))('', options),
    );
  add('show <id>', 'where one customer stands', (server, id) => showCustomer(server, id, terminal.now()));
  add('retry <id>', 'look at one customer again now', retry);
  add('pause <connection>', 'send nothing there until it is resumed', toggle('pause'));
  add('resume <connection>', 'go on with a paused connection', toggle('resume'));
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    // commander has said already what is wrong with the command line, or shown its help.
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  return code;
}
