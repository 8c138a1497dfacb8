import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openApiDocument } from './openapi';

const SNAPSHOT = path.join(__dirname, 'openapi.snapshot.json');

test('the outside of the API is what was announced', () => {
  // A change here is a promise to clients: write it down, then put the new document into the snapshot:
  // node -r ./test/environment/swcRegister.cjs -p "JSON.stringify(require('./src/api/openapi.ts').openApiDocument())"
  const announced: unknown = JSON.parse(readFileSync(SNAPSHOT, 'utf8'));
  expect(JSON.parse(JSON.stringify(openApiDocument()))).toEqual(announced);
});
