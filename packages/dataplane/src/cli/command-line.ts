/** The `sluice` command: its commands, their options, its exit codes. Primary thread, at start. */
import { type Invocation, parseCommandLine } from '@sluice/shared/cli/command-line';
import type { ExitCodeName } from '@sluice/shared/cli/exit-codes';
import { optionsSchema } from './options.js';

const COMMANDS = { serve: { description: 'Serve the Gateways of a configuration', schema: optionsSchema } } as const;
const EXIT_CODES: readonly ExitCodeName[] = [
  'ok',
  'internal',
  'usage',
  'config',
  'bind',
  'engine',
  'interrupted',
  'terminated',
];

/** Reads arguments (without node and script). Throws ExitError when they are wrong. */
export function parseArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  version: string,
): Invocation<typeof COMMANDS> {
  const description = 'A WebSocket application gateway';
  return parseCommandLine(
    { name: 'sluice', description, version, commands: COMMANDS, exitCodes: EXIT_CODES },
    args,
    env,
  );
}
