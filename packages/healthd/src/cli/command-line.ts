/** The `healthd` command: its options, its exit codes, and which bus they mean. At start. */
import { type Invocation, parseCommandLine } from '@sluice/shared/cli/command-line';
import { ExitCode, type ExitCodeName, ExitError } from '@sluice/shared/cli/exit-codes';
import { redisOf } from '@sluice/shared/cli/redis-options';
import { type Options, optionsSchema } from './options.js';

const EXIT_CODES: readonly ExitCodeName[] = ['ok', 'internal', 'usage', 'config', 'bind', 'interrupted', 'terminated'];
const COMMANDS = {
  '': { description: 'Probe the backends of a configuration', schema: optionsSchema, exitCodes: EXIT_CODES },
} as const;

/** Reads arguments (without node and script). Throws ExitError when they are wrong. */
export function parseArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  version: string,
): Invocation<typeof COMMANDS> {
  const description =
    "Sluice's health daemon: finds the endpoints of every service, probes them, publishes their status";
  return parseCommandLine({ name: 'healthd', description, version, commands: COMMANDS }, args, env);
}

export type Bus =
  | { readonly type: 'redis'; readonly redis: NonNullable<ReturnType<typeof redisOf>> }
  | { readonly type: 'ipc' };

/** The one bus that the options mean. `hasParent`: there is an IPC channel. Throws ExitError for none, or for two. */
export function busOf(options: Options, hasParent: boolean): Bus {
  const redis = redisOf('healthd', options);
  if (options.embedded && redis !== null) {
    throw new ExitError(ExitCode.usage, 'healthd: --embedded goes without --redis and --redis-sentinels');
  }
  if (options.embedded && !hasParent) {
    throw new ExitError(
      ExitCode.usage,
      'healthd: --embedded needs the IPC channel of a parent process; give --redis URL',
    );
  }
  if (options.embedded) return { type: 'ipc' };
  if (redis === null) {
    const line = 'healthd: --redis must be given (redis://127.0.0.1:6379), or --redis-sentinels HOST:PORT,…';
    throw new ExitError(ExitCode.usage, line);
  }
  return { type: 'redis', redis };
}
