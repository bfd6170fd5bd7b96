/**
 * How the process ends: every exit code of every command, in one place, printed by `--help`.
 *
 * An `ExitError` carries a code and the one line that the person who started the process reads. Primary thread.
 */
export const ExitCode = {
  ok: 0,
  internal: 1,
  /** Of `check`. */
  findings: 1,
  usage: 2,
  config: 3,
  bind: 4,
  engine: 5,
  interrupted: 130,
  terminated: 143,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
export type ExitCodeName = keyof typeof ExitCode;

const MEANINGS: Readonly<Record<ExitCodeName, string>> = {
  ok: 'ended as asked, or after a drain',
  internal: 'internal error; the log says which',
  findings: 'the configuration has an error, or a condition is not as it should be; internal errors too',
  usage: 'the command line or a SLUICE_… variable is wrong',
  config: 'the configuration is wrong; every problem is on stderr',
  bind: 'an address or port cannot be bound',
  engine: 'the native engine is missing or does not fit this Node',
  interrupted: 'a second signal during the drain, the last one SIGINT',
  terminated: 'a second signal during the drain, the last one SIGTERM',
};

/** Ends the process with `code` after `message` has been printed on stderr. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  constructor(
    readonly code: ExitCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The table of these exit codes, as `--help` prints it. */
export function exitCodeTable(names: readonly ExitCodeName[]): string {
  return names.map((name) => `  ${String(ExitCode[name]).padEnd(4)} ${MEANINGS[name]}`).join('\n');
}
