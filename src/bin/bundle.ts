/** Builds the workflow bundle once, at build time, so that every worker of a release runs exactly the same code. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflows } from '../temporal/bundle';

async function main(): Promise<void> {
  const { code } = await bundleWorkflows();
  const target = path.join(__dirname, '..', '..', 'workflow-bundle.js');
  writeFileSync(target, code);
  console.log(JSON.stringify({ msg: 'workflow bundle written', bytes: code.length }));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
