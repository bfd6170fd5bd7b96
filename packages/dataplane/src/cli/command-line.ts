/** The `sluice` command: its commands, their options, its exit codes. Primary thread, at start. */
import { type Invocation, parseCommandLine } from '@sluice/shared/cli/command-line';
import type { ExitCodeName } from '@sluice/shared/cli/exit-codes';
import { checkSchema } from './check-options.js';
import { optionsSchema } from './options.js';

const SERVE_CODES: readonly ExitCodeName[] = [
  'ok',
  'internal',
  'usage',
  'config',
  'bind',
  'engine',
  'interrupted',
  'terminated',
];

const COMMANDS = {
  serve: { description: 'Serve the Gateways of a configuration', schema: optionsSchema, exitCodes: SERVE_CODES },
  check: {
    description: 'Check a configuration: every problem, and the conditions that its resources would have',
    schema: checkSchema,
    exitCodes: ['ok', 'findings', 'usage'],
  },
} as const;

/** Reads arguments (without node and script). Throws ExitError when they are wrong. */
export function parseArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  version: string,
): Invocation<typeof COMMANDS> {
  const description = 'A WebSocket application gateway';
  return parseCommandLine({ name: 'sluice', description, version, commands: COMMANDS }, args, env);
}
