/**
 * The command line and the environment become Options, or an ExitError whose lines say what is wrong.
 *
 * A flag wins over its variable. Unknown flags and unknown values are errors; nothing is guessed. Commander prints
 * help and version itself. Primary thread, at start.
 */
import { Command, CommanderError, Option } from 'commander';
import { ExitCode, ExitError, exitCodeTable } from './exit-codes.js';
import {
  environmentName,
  type OptionName,
  type Options,
  optionDefault,
  optionDoc,
  optionNames,
  optionsSchema,
} from './options.js';
import { writeText } from './write-text.js';

type Texts = Partial<Record<OptionName, string | string[]>>;

/** What the command line asks for; null when it was answered already (help, version). */
export type Invocation = { readonly command: 'serve'; readonly options: Options } | null;

function commandOption(name: OptionName): Option {
  const { flag, argument, doc, repeatable } = optionDoc(name);
  const text = optionDefault(name);
  const shown = text === undefined || argument === '' || text === '' ? '' : ` (default ${text})`;
  const option = new Option(argument === '' ? `--${flag}` : `--${flag} <${argument}>`, `${doc}${shown}`);
  if (repeatable === true) {
    option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]);
  }
  return option;
}

function flagTexts(command: Command): Texts {
  const texts: Texts = {};
  for (const name of optionNames) {
    const attribute = commandOption(name).attributeName();
    const value: unknown = command.getOptionValue(attribute);
    if (value === true) texts[name] = 'true';
    else if (typeof value === 'string' || Array.isArray(value)) texts[name] = value;
  }
  return texts;
}

/** Texts of the variables that are set; an empty variable counts as not set. */
export function environmentTexts(env: Readonly<Record<string, string | undefined>>): Texts {
  const texts: Texts = {};
  for (const name of optionNames) {
    const { flag, repeatable } = optionDoc(name);
    const value = env[environmentName(flag)];
    if (value === undefined || value === '') continue;
    texts[name] = repeatable === true ? value.split(',') : value;
  }
  return texts;
}

function problemLine(name: OptionName, message: string, flags: Texts, environment: Texts): string {
  const { flag } = optionDoc(name);
  const fromFlag = flags[name] !== undefined || environment[name] === undefined;
  const subject = fromFlag ? `--${flag}` : environmentName(flag);
  const given = flags[name] ?? environment[name];
  return `sluice: ${subject} must be ${message}${given === undefined ? '' : `, not ${JSON.stringify(given)}`}`;
}

/** Options out of both sources. Throws ExitError with a line for each value that is wrong. */
export function resolveOptions(flags: Texts, environment: Texts): Options {
  const result = optionsSchema.safeParse({ config: [], ...environment, ...flags });
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) =>
    problemLine(issue.path[0] as OptionName, issue.message, flags, environment),
  );
  throw new ExitError(ExitCode.usage, lines.join('\n'));
}

/** Errors are printed by main.ts; what goes to stdout may have lost its reader (`sluice --help | head -1`). */
const output = { outputError: () => {}, writeErr: () => {}, writeOut: (text: string) => writeText(1, text) };

function buildCommand(version: string, onServe: (command: Command) => void): Command {
  const program = new Command('sluice').description('A WebSocket application gateway').version(version);
  program.exitOverride().configureOutput(output);
  program.addHelpText(
    'after',
    `\nEvery flag of serve may be set as SLUICE_… (--port-map is SLUICE_PORT_MAP).\n\nExit codes:\n${exitCodeTable()}`,
  );
  const serve = program.command('serve').description('Serve the Gateways of a configuration');
  serve
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} });
  for (const name of optionNames) serve.addOption(commandOption(name));
  serve.addHelpText('after', `\nExit codes:\n${exitCodeTable()}`);
  serve.action(() => onServe(serve));
  return program;
}

function usageError(error: CommanderError): ExitError {
  const line = error.message.replace(/^error: /, '').replace(/\n/g, ' ');
  return new ExitError(ExitCode.usage, `sluice: ${line}; see sluice --help`);
}

const ANSWERED = new Set(['commander.helpDisplayed', 'commander.version', 'commander.help']);

/** Reads arguments (without node and script). Throws ExitError when they are wrong. */
export function parseCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  version: string,
): Invocation {
  let invocation: Invocation = null;
  const command = buildCommand(version, (serve) => {
    invocation = { command: 'serve', options: resolveOptions(flagTexts(serve), environmentTexts(env)) };
  });
  if (args.length === 0) throw new ExitError(ExitCode.usage, 'sluice: no command given; see sluice --help');
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (!ANSWERED.has(error.code)) throw usageError(error);
  }
  return invocation;
}
