import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { guildEventFields } from '@derailed/guild/core';
import { renderTablesPage } from '@derailed/platform/persistence';
import { renderCloseCodes, renderProtocolPage } from '@derailed/shared/protocol';
import { startApp } from '@derailed/testing';
import { renderAcceptance } from './acceptance';
import { CheckFailed, must, root } from './exec';

const apps = [
  'gateway',
  'ws-gateway',
  'session-node',
  'guild-node',
  'presence-node',
  'tunnel',
  'auth',
] as const;

/** A variable as some app's --print-config has it. */
interface Variable {
  readonly section: string;
  readonly description: string;
  readonly fallback: string;
  readonly apps: string[];
}

/** What an app prints without any variable set. */
async function printedConfig(app: string): Promise<string> {
  const clean = [
    '-i',
    `PATH=${process.env['PATH'] ?? ''}`,
    process.execPath,
    `dist/apps/${app}/main.js`,
    '--print-config',
  ];
  return must('env', clean, `${app} does not print its configuration`);
}

async function readVariables(): Promise<Map<string, Variable>> {
  const variables = new Map<string, Variable>();
  for (const app of apps) {
    let section = '';
    let description = '';
    for (const line of (await printedConfig(app)).split('\n')) {
      const heading = /^# --- (.*) ---$/.exec(line);
      const setting = /^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line);
      if (heading) section = heading[1] ?? '';
      else if (setting) {
        const [, name = '', fallback = ''] = setting;
        const known = variables.get(name);
        if (known) {
          if (!known.apps.includes(app)) known.apps.push(app);
        } else variables.set(name, { section, description, fallback, apps: [app] });
      } else if (line.startsWith('# ')) description = line.slice(2).replace(/ \(default\)$/, '');
    }
  }
  return variables;
}

/** First words that only this gateway uses, so that `GATEWAY_LISTENN` is a mistake and `PATH` is not. */
const ours = [
  'ADMIN',
  'AUTH',
  'CLUSTER',
  'GATEWAY',
  'GUILD',
  'IDENTIFY',
  'LINK',
  'PRESENCE',
  'REPLAY',
  'RESUME',
  'TUNNEL',
];

function renderVariables(variables: Map<string, Variable>): string {
  const quoted = (names: readonly string[]): string => names.map((name) => `  '${name}',\n`).join('');
  return `/** Made by \`npm run generate\` from the settings of all apps. Do not edit. */
export const variables: ReadonlySet<string> = new Set<string>([
${quoted([...variables.keys()].sort())}]);

/** A variable that begins so and is not listed is a mistake worth stopping for. */
export const reservedPrefixes: readonly string[] = [
${quoted(ours.map((word) => `${word}_`))}];
`;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

function renderConfig(variables: Map<string, Variable>): string {
  const lines = [
    '# Settings',
    '',
    'Generated from the settings of all apps. Each is an environment variable, read once at the start; an empty one',
    'counts as not set. Durations are `500ms`, `10s`, `3m` or bare milliseconds; sizes are bytes, `64K` or `16M`.',
    '`--print-config` prints what an app made of its environment. A variable that begins with one of',
    `${ours.map((word) => `\`${word}_\``).join(', ')} and is not listed here stops the start.`,
  ];
  let section = '';
  for (const [name, variable] of variables) {
    if (variable.section !== section) {
      section = variable.section;
      lines.push(
        '',
        `## ${section}`,
        '',
        '| variable | default | what it says | apps |',
        '| --- | --- | --- | --- |',
      );
    }
    const missing = apps.filter((app) => !variable.apps.includes(app));
    const where =
      missing.length === 0 ? 'all' : missing.join() === 'auth' ? 'all but auth' : variable.apps.join(', ');
    lines.push(
      `| ${name} | ${variable.fallback && `\`${cell(variable.fallback)}\``} | ${cell(variable.description)} | ${where} |`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** What a running composed app says of its own metrics. */
async function renderMetrics(): Promise<string> {
  const dataDir = join(root, 'tmp', 'reference');
  const free = '127.0.0.1:0';
  const env = {
    GATEWAY_LISTEN: free,
    TUNNEL_LISTEN: free,
    AUTH_LISTEN: free,
    DATA_DIR: dataDir,
    AUTH_KEY_FILE: join(dataDir, 'auth.key'),
  };
  const app = await startApp('gateway', { env });
  const text = await (await fetch(`http://${app.door('admin')}/metrics`)).text();
  await app.stop();
  const rows = [...text.matchAll(/^# HELP (derailed_\w+) (.*)\n# TYPE \w+ (\w+)$/gm)].map(
    ([, name = '', help = '', type = '']) => {
      const labels = new Set(
        [...text.matchAll(new RegExp(`^${name}(?:_bucket)?\\{([^}]*)\\}`, 'gm'))].flatMap(([, list = '']) =>
          [...list.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
        ),
      );
      const shown = [...labels].filter((label) => label !== 'app' && label !== 'le').sort();
      return `| ${name} | ${type} | ${shown.join(', ')} | ${cell(help)} |`;
    },
  );
  return `# Metrics

Generated from a running \`gateway\`. Served at /metrics of the admin door in Prometheus' text format, each with the
label \`app\`; Node's own figures (\`process_*\`, \`nodejs_*\`) are there too. No label ever carries an id.

| metric | type | labels | what it says |
| --- | --- | --- | --- |
${rows.sort().join('\n')}
`;
}

/** Fields of events to a user; the session-nodes' part of what guildEventFields is for guilds. */
const userEventFields = {
  GUILD_CREATE: ['id'],
  GUILD_DELETE: ['id'],
  USER_DELETE: [],
} as const;

function renderEvents(): string {
  const rows = (fields: Readonly<Record<string, readonly string[]>>): string =>
    Object.entries(fields)
      .map(([name, list]) => `| ${name} | ${list.map((field) => `\`${field}\``).join(' ')} |`)
      .join('\n');
  return `# Events that the gateway reads

Generated. All other events pass through as they are. \`*_EDIT\` counts as \`*_UPDATE\`. A field that is absent changes
nothing; one of the wrong shape is INVALID_ARGUMENT with its path, and nothing is sent. Of every event to a guild that
names no channel the top-level \`channel_id\` is read too: it goes only to those who can view that channel.

## Published to a guild

| event | fields of \`data\` |
| --- | --- |
${rows(guildEventFields)}

GUILD_MEMBER_ADD also subscribes the user's living sessions; GUILD_MEMBER_REMOVE ends their subscriptions, and they get
GUILD_DELETE. GUILD_DELETE with \`unavailable: true\` is an outage that ends nobody's subscription.

VOICE_STATE_UPDATE is remembered for GUILD_CREATE, and one that names no user or no channel only passes. Where the channel is
null, it goes to those who see the channel that the user was in, or that the publisher names; if nobody knows it, to all.
Users in the lists of THREAD_MEMBERS_UPDATE, 1,000 at most, get it with the intent GUILDS alone.

## Published to users

| event | fields of \`data\` |
| --- | --- |
${rows(userEventFields)}

GUILD_CREATE subscribes the user's sessions, and the gateway's own GUILD_CREATE takes its place; GUILD_DELETE ends the
subscription; USER_DELETE closes the sockets with 4004.
`;
}

async function pages(): Promise<ReadonlyMap<string, string>> {
  await must('nx', ['run-many', '-t', 'build'], 'the apps do not build');
  const variables = await readVariables();
  return new Map([
    ['libs/platform/config/src/generated/variables.ts', renderVariables(variables)],
    ['docs/reference/config.md', renderConfig(variables)],
    ['docs/reference/metrics.md', await renderMetrics()],
    ['docs/reference/close-codes.md', renderCloseCodes()],
    ['docs/reference/acceptance.md', renderAcceptance()],
    ['docs/reference/protocol.md', renderProtocolPage()],
    ['docs/reference/events.md', renderEvents()],
    ['docs/reference/tables.md', renderTablesPage()],
  ]);
}

export async function writeReferences(): Promise<void> {
  for (const [path, text] of await pages()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

export async function referencesAreFresh(): Promise<void> {
  const stale: string[] = [];
  for (const [path, text] of await pages()) {
    const file = join(root, path);
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) stale.push(path);
  }
  if (stale.length > 0) throw new CheckFailed(`not what \`npm run generate\` makes:\n${stale.join('\n')}`);
}
