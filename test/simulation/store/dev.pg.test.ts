import { writeFileSync } from 'node:fs';
import { emptyDatabase } from '../../environment/database';
import { compare } from './differential';
import { VirtualPostgres } from './postgresDatabase';
import { prepareVirtual } from './virtualPostgres';

test('dev', async () => {
  const fresh = await emptyDatabase();
  await prepareVirtual(fresh.url);
  const postgres = await VirtualPostgres.open(fresh.url);
  const first = Number(process.env['S_FIRST'] ?? 1);
  const n = Number(process.env['S_N'] ?? 40);
  const out: unknown[] = [];
  let failed = 0;
  const began = performance.now();
  for (let seed = first; seed < first + n; seed += 1) {
    try {
      const d = await compare(postgres, seed);
      if (d !== null) {
        failed += 1;
        if (out.length < 12) out.push(d);
      }
    } catch (error) {
      failed += 1;
      out.push({ seed, error: String((error as Error).stack).slice(0, 1500) });
      if (out.length > 12) break;
    }
  }
  writeFileSync(
    '/tmp/STORE/out.json',
    JSON.stringify({ failed, n, ms: performance.now() - began, out }, null, 1),
  );
  await postgres.close();
  await fresh.drop();
}, 600_000);
