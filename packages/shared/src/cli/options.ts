/**
 * What an option is: a zod type that reads text, and its document. A process's options are one zod object of them.
 *
 * The command line, the environment (`SLUICE_` + the flag in capitals) and the TypeScript type all derive from that
 * object; defaults live there and nowhere else. Primary thread, at start.
 */
import { z } from 'zod';

export interface OptionDoc {
  /** Without the leading dashes. */
  readonly flag: string;
  /** Placeholder of the value; '' for a switch. */
  readonly argument: string;
  readonly doc: string;
  /** May be given several times; in the environment, separated by commas. */
  readonly repeatable?: boolean;
  /** The default differs between machines: `doc` says what it is. */
  readonly variableDefault?: boolean;
  /** Not for people: left out of `--help` and of the docs. */
  readonly hidden?: boolean;
  /** One letter, for `-o`. */
  readonly short?: string;
  /** May hold a password: no error shows its value. */
  readonly secret?: boolean;
}

// The schema of a command line is asked once: no code is made for it.
z.config({ jitless: true });

const docs = z.registry<OptionDoc>();

/** The options of a process, by name. */
export type OptionsSchema = z.ZodObject<Readonly<Record<string, z.ZodType>>>;

/** Gives a type its flag and its document. */
export function option<T extends z.ZodType>(
  schema: T,
  flag: string,
  argument: string,
  doc: string,
  more: Pick<OptionDoc, 'repeatable' | 'variableDefault' | 'hidden' | 'secret' | 'short'> = {},
): T {
  docs.add(schema, { flag, argument, doc, ...more });
  return schema;
}

export function optionNames(schema: OptionsSchema): readonly string[] {
  return Object.keys(schema.shape);
}

/** The document of an option. */
export function optionDoc(schema: OptionsSchema, name: string): OptionDoc {
  const type = schema.shape[name];
  const doc = type === undefined ? undefined : docs.get(type);
  if (doc === undefined) throw new Error(`option ${name} has no document`);
  return doc;
}

/** The default as text, as far as it is the same on every machine. */
export function optionDefault(schema: OptionsSchema, name: string): string | undefined {
  const type = schema.shape[name];
  if (!(type instanceof z.ZodPrefault) || optionDoc(schema, name).variableDefault === true) return undefined;
  return String(type.def.defaultValue);
}

/** `SLUICE_PORT_MAP` for `port-map`. */
export function environmentName(flag: string): string {
  return `SLUICE_${flag.toUpperCase().replaceAll('-', '_')}`;
}
