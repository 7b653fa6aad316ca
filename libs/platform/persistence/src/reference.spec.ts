import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderTablesPage } from './reference';

it('docs/reference/tables.md says what the entities say', () => {
  const page = readFileSync(join(__dirname, '../../../../docs/reference/tables.md'), 'utf8');
  expect(renderTablesPage()).toBe(page);
});
