import { parseArgs } from 'node:util';
import { OperatorError } from '@derailed/shared/kernel';

export interface CommandLine {
  readonly printConfig: boolean;
  readonly version: boolean;
  readonly help: boolean;
  /** Settings that a flag overrides: variable name to value. */
  readonly overrides: Readonly<Record<string, string>>;
}

/** @throws OperatorError for an unknown flag */
export function parseCommandLine(args: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        roles: { type: 'string' },
        'print-config': { type: 'boolean' },
        version: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    return {
      printConfig: values['print-config'] ?? false,
      version: values.version ?? false,
      help: values.help ?? false,
      overrides: values.roles === undefined ? {} : { ROLES: values.roles },
    };
  } catch (error) {
    throw new OperatorError(`${(error as Error).message.split('. ')[0]}; --help shows what there is.`);
  }
}

export const usage = (
  name: string,
): string => `Usage: ${name} [--roles ROLE,...] [--print-config] [--version] [--help]

  --roles          run these roles only: ws-gateway, session-node, guild-node, presence-node, tunnel
  --print-config   print every setting as it came out, with its description, and exit
Everything else is an environment variable: docs/reference/config.md.
`;
