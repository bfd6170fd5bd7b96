/**
 * What `--config` may name, for those who watch it and those who read it. Any thread.
 */

/** Names of files in a folder that are read. */
export const MANIFEST = /^(?!package\.json$)[^.].*\.(?:yaml|yml|json)$/;

/** The path that stands for standard input. */
export const STDIN_PATH = '-';

/** Contents by path. */
export type Streams = ReadonlyMap<string, Uint8Array>;
