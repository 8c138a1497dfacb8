import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CREATED_EXAMPLE, customerBody } from './customers/shapes';
import { openApiDocument } from './openapi';

const SNAPSHOT = path.join(__dirname, 'openapi.snapshot.json');

test('the outside of the API is what was announced', () => {
  // A change is a promise to clients. If it is meant (additions are free, else a decision record), write it down with:
  // node -r ./test/environment/swcRegister.cjs -p \
  //   "JSON.stringify(require('./src/api/openapi.ts').openApiDocument(), null, 2)" > src/api/openapi.snapshot.json
  const announced: unknown = JSON.parse(readFileSync(SNAPSHOT, 'utf8'));
  expect(JSON.parse(JSON.stringify(openApiDocument()))).toEqual(announced);
});

test('every operation stands under a heading that is explained', () => {
  const { paths, tags } = openApiDocument();
  const known = new Set(tags?.map(({ name }) => name));
  const operations = Object.values(paths ?? {}).flatMap((item) => Object.values(item as object));
  expect(operations.length).toBeGreaterThan(15);
  const used = operations.map((operation: { tags?: string[] }) => operation.tags?.join());
  expect(new Set(used)).toEqual(known);
});

test('the examples of a customer are customers: nothing in them contradicts the rest', () => {
  const { examples = [] } = customerBody.meta() ?? {};
  expect(examples).toHaveLength(1);
  for (const example of [CREATED_EXAMPLE, ...(examples as unknown[])]) {
    const customer = customerBody.parse(example);
    expect(customer).toEqual(example);
    for (const { state, reason, synced_version: synced } of customer.sync) {
      expect(reason).toBeNull();
      expect(synced).toBe(state === 'in_sync' ? customer.version : null);
    }
  }
});
