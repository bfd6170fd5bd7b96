/**
 * The command line and the environment become the options of a command, or an ExitError whose lines say what is wrong.
 *
 * A flag wins over its variable. Unknown flags and unknown values are errors; nothing is guessed. Commander prints
 * help and version itself. Primary thread, at start.
 */
import { Command, CommanderError, Option } from 'commander';
import type { z } from 'zod';
import { ExitCode, type ExitCodeName, ExitError, exitCodeTable } from './exit-codes.js';
import { environmentName, type OptionsSchema, optionDefault, optionDoc, optionNames } from './options.js';
import { writeText } from './write-text.js';

type Texts = Readonly<Record<string, string | readonly string[]>>;
type Environment = Readonly<Record<string, string | undefined>>;

export interface CommandSpec<Schema extends OptionsSchema> {
  readonly description: string;
  readonly schema: Schema;
  readonly exitCodes: readonly ExitCodeName[];
}

export interface ProgramSpec<Commands extends Readonly<Record<string, CommandSpec<OptionsSchema>>>> {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  /** By name; the only one may be called '': the program itself. */
  readonly commands: Commands;
}

/** What the command line asks for; null when it was answered already (help, version). */
export type Invocation<Commands extends Readonly<Record<string, CommandSpec<OptionsSchema>>>> =
  | {
      [Name in keyof Commands]: { readonly command: Name; readonly options: z.output<Commands[Name]['schema']> };
    }[keyof Commands]
  | null;

function commandOption(schema: OptionsSchema, name: string): Option {
  const { flag, argument, doc, repeatable, hidden, short } = optionDoc(schema, name);
  const text = optionDefault(schema, name);
  const shown = text === undefined || argument === '' || text === '' ? '' : ` (default ${text})`;
  const long = argument === '' ? `--${flag}` : `--${flag} <${argument}>`;
  const option = new Option(short === undefined ? long : `-${short}, ${long}`, `${doc}${shown}`);
  if (hidden === true) option.hideHelp();
  if (repeatable === true) {
    option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]);
  }
  return option;
}

function flagTexts(schema: OptionsSchema, command: Command): Texts {
  const texts: Record<string, string | string[]> = {};
  for (const name of optionNames(schema)) {
    const value: unknown = command.getOptionValue(commandOption(schema, name).attributeName());
    if (value === true) texts[name] = 'true';
    else if (typeof value === 'string' || Array.isArray(value)) texts[name] = value;
  }
  return texts;
}

/** Texts of the variables that are set; an empty variable counts as not set. */
function environmentTexts(schema: OptionsSchema, env: Environment): Texts {
  const texts: Record<string, string | string[]> = {};
  for (const name of optionNames(schema)) {
    const { flag, repeatable, hidden } = optionDoc(schema, name);
    const value = env[environmentName(flag)];
    if (hidden === true || value === undefined || value === '') continue;
    texts[name] = repeatable === true ? value.split(',') : value;
  }
  return texts;
}

/** Options out of both sources. Throws ExitError with a line for each value that is wrong. */
function resolveOptions<Schema extends OptionsSchema>(
  program: string,
  schema: Schema,
  flags: Texts,
  environment: Texts,
): z.output<Schema> {
  const result = schema.safeParse({ ...environment, ...flags });
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    const { flag, secret } = optionDoc(schema, name);
    const subject = flags[name] !== undefined || environment[name] === undefined ? `--${flag}` : environmentName(flag);
    const given = secret === true ? undefined : (flags[name] ?? environment[name]);
    return `${program}: ${subject} must be ${message}${given === undefined ? '' : `, not ${JSON.stringify(given)}`}`;
  });
  throw new ExitError(ExitCode.usage, lines.join('\n'));
}

/** Errors are printed by the entry; what goes to stdout may have lost its reader (`sluice --help | head -1`). */
const output = { outputError: () => {}, writeErr: () => {}, writeOut: (text: string) => writeText(1, text) };

function addCommand(
  program: Command,
  name: string,
  { description, schema }: CommandSpec<OptionsSchema>,
  help: string,
  run: (command: Command) => void,
): void {
  const command = name === '' ? program : program.command(name).description(description);
  command.allowExcessArguments(false).exitOverride();
  command.configureOutput(name === '' ? output : { outputError: () => {} });
  for (const option of optionNames(schema)) command.addOption(commandOption(schema, option));
  command.addHelpText('after', help);
  command.action(() => run(command));
}

function usageError(program: string, error: CommanderError): ExitError {
  const line = error.message.replace(/^error: /, '').replace(/\n/g, ' ');
  return new ExitError(ExitCode.usage, `${program}: ${line}; see ${program} --help`);
}

const ANSWERED = new Set(['commander.helpDisplayed', 'commander.version', 'commander.help']);

/** Reads arguments (without node and script). Throws ExitError when they are wrong. */
export function parseCommandLine<Commands extends Readonly<Record<string, CommandSpec<OptionsSchema>>>>(
  spec: ProgramSpec<Commands>,
  args: readonly string[],
  env: Environment,
): Invocation<Commands> {
  let invocation: { command: string; options: unknown } | null = null;
  const program = new Command(spec.name).description(spec.description).version(spec.version);
  program.exitOverride().configureOutput(output);
  const note = '\nEvery flag may be set as SLUICE_… (--config is SLUICE_CONFIG).\n\n';
  program.addHelpText('after', note);
  for (const [name, command] of Object.entries(spec.commands)) {
    const table = `Exit codes:\n${exitCodeTable(command.exitCodes)}`;
    addCommand(program, name, command, `\n${table}`, (parsed) => {
      const { schema } = command;
      const options = resolveOptions(spec.name, schema, flagTexts(schema, parsed), environmentTexts(schema, env));
      invocation = { command: name, options };
    });
  }
  if (args.length === 0 && !('' in spec.commands)) {
    throw new ExitError(ExitCode.usage, `${spec.name}: no command given; see ${spec.name} --help`);
  }
  try {
    program.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (!ANSWERED.has(error.code)) throw usageError(spec.name, error);
  }
  return invocation as Invocation<Commands>;
}
