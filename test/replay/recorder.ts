/** Takes finished runs out of Temporal and keeps the one that has the wanted shape. */
import type { Client } from '@temporalio/client';
import { until } from '../environment/until';
import { eventsOf, keep } from './histories';
import type { Event } from './histories';
import { runOf, SHAPES } from './shapes';
import type { ShapeName } from './shapes';

const DEADLINE_MS = 60_000;

export interface Recorder {
  /** Waits until a run of this workflow has the shape, and keeps its history. */
  keepRun(shape: ShapeName, workflowId: string): Promise<void>;
  /** Whether some run of it has the shape by now. */
  hasRun(shape: ShapeName, workflowId: string): Promise<boolean>;
}

/** @param recorded the day, e.g. 2026-11-30: names the files */
export function createRecorder(client: Client, recorded: string): Recorder {
  /** Histories of ended runs do not change. */
  const ended = new Map<string, readonly Event[]>();

  async function historyOfRun(workflowId: string, runId: string): Promise<readonly Event[]> {
    const known = ended.get(runId);
    if (known !== undefined) return known;
    const events = eventsOf(await client.workflow.getHandle(workflowId, runId).fetchHistory());
    if (runOf(events).end !== null) ended.set(runId, events);
    return events;
  }

  async function find(shape: ShapeName, workflowId: string): Promise<readonly Event[] | null> {
    const { workflow } = SHAPES[shape];
    const query =
      workflow === 'requestSweeps' ? `WorkflowType = '${workflow}'` : `WorkflowId = '${workflowId}'`;
    for await (const { workflowId: id, runId } of client.workflow.list({ query })) {
      const events = await historyOfRun(id, runId);
      if (SHAPES[shape].shows(runOf(events))) return events;
    }
    return null;
  }

  return {
    hasRun: async (shape, workflowId) => (await find(shape, workflowId)) !== null,
    async keepRun(shape, workflowId) {
      try {
        await until(
          `a run of ${workflowId} is ${shape}`,
          async () => (await find(shape, workflowId)) !== null,
          DEADLINE_MS,
        );
      } catch (error) {
        const seen = [...ended.values()].map((events) => JSON.stringify(runOf(events))).slice(-3);
        throw new Error(`${String(error)}\nended last:\n${seen.join('\n')}`, { cause: error });
      }
      const events = await find(shape, workflowId);
      if (events !== null) keep(shape, recorded, events);
    },
  };
}
