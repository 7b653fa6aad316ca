import { getMetadataArgsStorage } from 'typeorm';
import { entities } from './entities';
import { reads } from './reads';

const introduction = `<!-- Generated from libs/platform/persistence by \`npm run generate\`. DO NOT EDIT. -->

# Tables

What the gateway reads in PostgreSQL. The monolith owns and writes these tables; the gateway only reads, and only the
columns named here. Further columns and tables are not looked at. In the embedded default, and in an empty database
after \`npm run migrate\`, the tables are exactly these.

Ids are snowflakes: \`bigint\` here, decimal text on every wire. Sets of bits are \`bigint\` too.

A row that breaks the contract is logged once with its ids and left out, and the rest is served: a member without a
user, a role of another guild on a member, an overwrite for a role that its guild does not have, a parent of another
guild, an owner who is no member (the guild is then served without an owner).

The indexes are those that the reads need. Other names are fine; without an index its reads are slow on large tables.
`;

/** The text of docs/reference/tables.md. */
export function renderTablesPage(): string {
  return [introduction, ...entities.map(renderTable)].join('\n');
}

function renderTable(entity: (typeof entities)[number]): string {
  const storage = getMetadataArgsStorage();
  const table = storage.tables.find(({ target }) => target === entity)!;
  const about = reads[table.name!];
  if (about === undefined) throw new Error(`reads.ts does not say what ${table.name} is read for`);
  const columns = storage.filterColumns(entity).map(({ propertyName, options }) => {
    const foreign = storage.foreignKeys.find(
      (key) => key.target === entity && key.propertyName === propertyName,
    );
    const notes = [
      ...(options.comment === undefined ? [] : [options.comment]),
      ...(foreign === undefined ? [] : [`References \`${tableOf(foreign.type)}\`.`]),
    ];
    const name = options.name ?? propertyName;
    return `| \`${name}\` | ${typeOf(options.type)} | ${options.nullable ? 'yes' : 'no'} | ${notes.join(' ')} |`;
  });
  const indexes = about.indexes.map(({ name, on, readFor }) => `| \`${name}\` | \`${on}\` | ${readFor} |`);
  return `## ${table.name}

${table.comment} Read for: ${about.readFor}

| column | type | null | |
| --- | --- | --- | --- |
${columns.join('\n')}

| index | on | read for |
| --- | --- | --- |
${indexes.join('\n')}
`;
}

function typeOf(type: unknown): string {
  return type === 'timestamp with time zone' ? 'timestamptz' : String(type);
}

/** The table that a foreign key leads to. */
function tableOf(type: unknown): string {
  const target = (type as () => unknown)();
  return getMetadataArgsStorage().tables.find((table) => table.target === target)?.name ?? '';
}
