import { type ClientField, clientFields } from './fields/client-fields';
import { serverFields } from './fields/server-fields';
import { Intent, PRIVILEGED_INTENTS, eventFamilies } from './intents';
import { limitRows } from './limit-rows';
import { limits } from './limits';
import { closeRows, type CloseReason } from './close-codes';
import { Op, opRows } from './opcodes';

type Cells = readonly (string | number)[];

function table(heading: Cells, rows: readonly Cells[]): string {
  const line = (cells: Cells): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n');
}

const sender = { client: 'client', server: 'gateway', both: 'both' };
const stage = {
  always: 'always',
  unbound: 'without a session; else 4005',
  identified: 'identified; else 4003',
};

function opcodes(): string {
  const rows = Object.entries(opRows).map(([name, { from, when, says }]) => [
    Op[name as keyof typeof Op],
    `\`${name.toLowerCase()}\``,
    sender[from],
    when ? stage[when] : '',
    says,
  ]);
  return table(['op', 'name', 'from', 'a client may send it', 'what it does'], rows);
}

function consequence(reason: CloseReason | 'ignored' | undefined): string {
  if (reason === undefined) return '';
  return reason === 'ignored' ? reason : String(closeRows[reason].code);
}

function fromClients(): string {
  return Object.entries(clientFields)
    .map(([name, fields]) => {
      const rows = Object.entries<ClientField>(fields).map(([field, { type, missing, wrong, says }]) => [
        `\`${field}\``,
        type,
        consequence(missing),
        consequence(wrong),
        says,
      ]);
      const op = Op[name as keyof typeof clientFields];
      return `### ${name} (op ${op})\n\n${table(['field', 'type', 'missing or null', 'wrong', ''], rows)}`;
    })
    .join('\n\n');
}

function fromGateway(): string {
  return Object.entries(serverFields)
    .map(([name, fields]) => {
      const rows = Object.entries(fields).map(([field, says]) => [`\`${field}\``, says]);
      return `### ${name}\n\n${table(['field', ''], rows)}`;
    })
    .join('\n\n');
}

function limitText(limit: (typeof limits)[keyof typeof limits]): string {
  if (typeof limit === 'number') return String(limit);
  if ('windowMs' in limit) return `${limit.count} in ${limit.windowMs / 1000} s`;
  return `${limit.min} to ${limit.max}${'fallback' in limit ? `, ${limit.fallback} when absent` : ''}`;
}

function limitTable(): string {
  const rows = Object.entries(limitRows).map(([name, { says, past }]) => [
    `\`${name}\``,
    limitText(limits[name as keyof typeof limits]),
    says,
    past,
  ]);
  return table(['limit', 'value', 'what it bounds', 'past it'], rows);
}

function intents(): string {
  const rows = Object.entries(Intent).map(([name, bit]) => [
    Math.log2(bit),
    `${name}${(bit & PRIVILEGED_INTENTS) === 0 ? '' : ' (privileged)'}`,
    [
      ...eventFamilies.filter(({ inGuild }) => (inGuild & bit) !== 0).map(({ names }) => names),
      ...eventFamilies
        .filter(({ named }) => (named & bit) !== 0)
        .map(({ names }) => `${names} (own user only)`),
    ].join(' '),
    eventFamilies
      .filter(({ direct }) => (direct & bit) !== 0)
      .map(({ names }) => names)
      .join(' '),
  ]);
  return table(['bit', 'intent', 'events in guilds', 'events to users'], rows);
}

/** docs/reference/protocol.md */
export function renderProtocolPage(): string {
  return `# Client protocol

Generated from the tables in libs/shared/protocol/src. What clients speak is Discord's gateway, versions 9 and 10. Its close
codes are on [a page of their own](close-codes.md).

## Opcodes

The name is the label \`op\` of the metric \`derailed_gateway_payloads_total\`. Any other opcode from a client is 4001, or
4003 before it has identified.

${opcodes()}

## What clients send

Ids are taken as text or as numbers of any length. A whole number may be written \`0.0\`. All other fields are ignored.

${fromClients()}

## What the gateway makes itself

GUILD_CREATE has every key that some client library needs; see payloads/guild.ts. All other events pass as the monolith
published them.

${fromGateway()}

## Limits

${limitTable()}

## Intents

An event that several intents name goes to sessions with any of them. An event that none names needs none.

${intents()}
`;
}
