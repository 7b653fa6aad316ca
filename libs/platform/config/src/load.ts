import { OperatorError } from '@derailed/shared/kernel';
import { z } from 'zod';
import { formatAddress } from './setting';
import { reservedPrefixes, variables } from './generated/variables';
import { nearMiss } from './near-miss';
import type { SettingMeta } from './setting';

/** Settings that belong together; what a feature exports. */
export type Section = Readonly<Record<string, z.ZodType>>;
export type ConfigOf<S extends Section> = z.infer<z.ZodObject<S>>;

/** An app's settings: sections by name. */
export type Settings = Readonly<Record<string, Section>>;
export type ConfigTree<S extends Settings> = { [K in keyof S]: ConfigOf<S[K]> };

/** One setting of an app with what it is set to. */
export interface SettingValue extends SettingMeta {
  readonly section: string;
  readonly value: unknown;
  /** Whether the environment said so, or it is the default. */
  readonly given: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

function metaOf(schema: z.ZodType): SettingMeta {
  return schema.meta() as unknown as SettingMeta;
}

/** Every setting in order, with its meta. */
export function eachSetting(
  settings: Settings,
): { section: string; key: string; schema: z.ZodType; meta: SettingMeta }[] {
  return Object.entries(settings).flatMap(([section, fields]) =>
    Object.entries(fields).map(([key, schema]) => ({ section, key, schema, meta: metaOf(schema) })),
  );
}

/** Kubernetes puts SERVICE_HOST, PORT_1234_TCP and the like into the environment for each service, ours included. */
const fromKubernetes = /_(SERVICE_(HOST|PORT.*)|PORT(_\d+_.*)?)$/;

/**
 * Reads an app's settings from the environment, once. An empty variable counts as absent.
 * @throws OperatorError naming the variable that is unknown or wrong
 */
export function loadConfig<S extends Settings>(settings: S, environment: Environment): ConfigTree<S> {
  for (const name of Object.keys(environment)) {
    if (variables.has(name) || fromKubernetes.test(name)) continue;
    const meant = nearMiss(name, variables);
    if (meant !== undefined) throw new OperatorError(`${name} is no setting of this gateway; ${meant} is.`);
    if (reservedPrefixes.some((prefix) => name.startsWith(prefix))) {
      throw new OperatorError(
        `${name} is no setting of this gateway; docs/reference/config.md lists them all.`,
      );
    }
  }
  const tree: Record<string, Record<string, unknown>> = {};
  for (const { section, key, schema, meta } of eachSetting(settings)) {
    const text = environment[meta.env];
    const parsed = schema.safeParse(text === '' ? undefined : text);
    if (!parsed.success) {
      const shown = meta.secret || text === undefined ? '' : `, not ${JSON.stringify(text)}`;
      throw new OperatorError(`${meta.env} ${parsed.error.issues[0]?.message ?? 'is invalid'}${shown}.`);
    }
    (tree[section] ??= {})[key] = parsed.data;
  }
  return tree as ConfigTree<S>;
}

/** What the settings came out as, for --print-config. */
export function describeConfig<S extends Settings>(
  settings: S,
  config: ConfigTree<S>,
  environment: Environment,
): SettingValue[] {
  return eachSetting(settings).map(({ section, key, meta }) => ({
    ...meta,
    section,
    value: (config[section] as Record<string, unknown>)[key],
    given: Boolean(environment[meta.env]),
  }));
}

/** One `NAME=value` line per setting under its description, ready to be an environment file. Secrets are masked. */
export function printConfig(values: readonly SettingValue[]): string {
  const lines: string[] = [];
  let section = '';
  for (const setting of values) {
    if (setting.section !== section)
      lines.push(...(section === '' ? [] : ['']), `# --- ${(section = setting.section)} ---`);
    lines.push(`# ${setting.description}${setting.given ? '' : ' (default)'}`);
    const shown = setting.secret && setting.value !== undefined ? '***' : show(setting.value);
    lines.push(`${setting.value === undefined ? '# ' : ''}${setting.env}=${shown}`);
  }
  return `${lines.join('\n')}\n`;
}

function show(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value) {
    return formatAddress(value as { host: string; port: number });
  }
  return String(value);
}
