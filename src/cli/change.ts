import { z } from 'zod';
import { lostValueAnswer, quoted } from './lostValues';
import type { Report } from './report';
import { Failed } from './server';
import type { Server } from './server';

export interface ChangeOptions {
  readonly take?: 'local' | 'remote';
  readonly allowDuplicate?: boolean;
}

const duplicateProblem = z.object({
  code: z.literal('customer_exists'),
  matches: z.array(z.object({ id: z.string() })),
});
const invalidProblem = z.object({ errors: z.array(z.object({ code: z.string(), detail: z.string() })) });
const appliedAnswer = z.object({ conflict: lostValueAnswer });

/** The API names members of its body; this says it in the command's own words. */
function inOurWords(error: unknown): unknown {
  if (!(error instanceof Failed)) return error;
  const [first] = invalidProblem.safeParse(error.problem).data?.errors ?? [];
  if (first === undefined) return error;
  const message =
    first.code === 'take_missing'
      ? `${first.detail.split(':')[0]}, so say whose value to take: --take local (ours) or --take remote (theirs). \`show\` prints both.`
      : first.detail;
  return new Failed(message, error.problem, error.status);
}

/** Sends a change that may give two customers one e-mail; the API's hint is worded for its own callers. */
async function post(server: Server, path: string, options: ChangeOptions, body?: object): Promise<unknown> {
  try {
    return await server.post(`${path}${options.allowDuplicate === true ? '?on_duplicate=create' : ''}`, body);
  } catch (error) {
    const problem = error instanceof Failed ? duplicateProblem.safeParse(error.problem) : null;
    if (problem === null || !problem.success) throw inOurWords(error);
    const ids = problem.data.matches.map(({ id }) => id).join(', ');
    const message = `Another customer has this e-mail (${ids}). To let both have it, add --allow-duplicate.`;
    throw new Failed(message, (error as Failed).problem, (error as Failed).status);
  }
}

/** `counterpart apply <id> <conflict>`: takes a value that lost, or answers a question. */
export async function applyLost(
  server: Server,
  where: { id: string; conflict: string; program: string },
  options: ChangeOptions,
): Promise<Report> {
  const { id, conflict, program } = where;
  const path = `/customers/${encodeURIComponent(id)}/conflicts/${encodeURIComponent(conflict)}/apply`;
  const body = options.take === undefined ? undefined : { take: options.take };
  const answer = await post(server, path, options, body);
  const { field, ours, theirs, resolution, connection } = appliedAnswer.parse(answer).conflict;
  const [whose, value] = resolution === 'remote' ? [connection, theirs] : ['here', ours];
  const lines = [
    `Taken: ${field} ${quoted(value)}, as it was ${whose === 'here' ? whose : `at ${whose}`}.`,
    `It is on its way. See: ${program} show ${id}`,
  ];
  return { answer, lines, finding: false };
}

const liveAnswer = z.object({
  id: z.string(),
  sync: z.array(z.object({ reason: z.object({ code: z.string() }).nullable() })),
});

/** Whether it stands here and no deletion of it is held: a restore then has nothing to do. */
async function standsAlready(server: Server, path: string): Promise<boolean> {
  try {
    const { sync } = liveAnswer.parse(await server.get(path));
    return sync.every(({ reason }) => reason?.code !== 'delete_burst');
  } catch (error) {
    if (error instanceof Failed && (error.status === 404 || error.status === 410)) return false;
    throw error;
  }
}

/** `counterpart restore <id>`: un-deletes a customer. */
export async function restoreCustomer(
  server: Server,
  where: { id: string; program: string },
  options: ChangeOptions,
): Promise<Report> {
  const { id, program } = where;
  const path = `/customers/${encodeURIComponent(id)}`;
  const stood = await standsAlready(server, path);
  const answer = await post(server, `${path}/restore`, options);
  if (stood) return { answer, lines: [`${id} was not deleted, nothing done.`], finding: false };
  const lines = [`${id} stands here, and where it was deleted it is made anew. See: ${program} show ${id}`];
  return { answer, lines, finding: false };
}
