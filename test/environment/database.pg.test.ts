import { Client } from 'pg';

import { emptyDatabase, freshDatabase } from './database';

async function schemas(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      'SELECT schema_name AS name FROM information_schema.schemata',
    );
    return rows.map((row) => row.name);
  } finally {
    await client.end();
  }
}

test('each fresh database is migrated, its own, and gone after drop', async () => {
  const [one, two] = await Promise.all([freshDatabase(), freshDatabase()]);
  expect(one.url).not.toBe(two.url);
  expect(await schemas(one.url)).toContain('counterpart');
  await Promise.all([one.drop(), two.drop()]);
  await expect(schemas(one.url)).rejects.toThrow('does not exist');
});

test('an empty database has nothing of ours', async () => {
  const database = await emptyDatabase();
  expect(await schemas(database.url)).not.toContain('counterpart');
  await database.drop();
});
