import { z } from 'zod';
import { isMemorySystem } from './system';
import type { MemorySystem } from './system';
import { parseConnectionName, parseInstallationId } from '../../core/ids';
import type { Passage } from '../passage';
import type { ConnectionName, InstallationId } from '../../core/ids';

/** What one connection to a memory system is made of. */
export interface MemorySettings {
  readonly connection: ConnectionName;
  readonly installation: InstallationId;
  readonly system: MemorySystem;
  /** Lets each request out at its turn. Default: at once. */
  readonly passage?: Passage | undefined;
}

function branded<T>(parse: (text: string) => T | null) {
  return z.string().transform((text, context): T => {
    const parsed = parse(text);
    if (parsed !== null) return parsed;
    context.addIssue({ code: 'custom', message: 'is malformed' });
    return z.NEVER;
  });
}

const schema = z.object({
  connection: branded(parseConnectionName),
  installation: branded(parseInstallationId),
  passage: z.custom<Passage>((value) => typeof value === 'function').optional(),
  system: z.custom<MemorySystem>(isMemorySystem, 'must be made by createMemorySystem'),
});

/** @throws with every wrong setting and its mend in one message */
export function parseMemorySettings(settings: unknown): MemorySettings {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  throw new Error(`The settings of a memory connection are wrong: ${wrong.join('; ')}`);
}
