/**
 * Where the configuration of a process is read from. Plain data: it crosses to the compiler's thread.
 *
 * Standard input can be read once only, so the process reads it at its start and keeps it. Main thread.
 */
import { ExitCode, ExitError } from '../cli/exit-codes.js';
import { STDIN_PATH } from '../resources/load.js';

export interface ConfigurationSource {
  /** As `--config` gave them: files and folders; `-` stands for `stdin`. */
  readonly paths: readonly string[];
  /** What standard input said; null when no path asks for it. */
  readonly stdin: Uint8Array | null;
}

const STDIN_BYTES_MAX = 64 * 1024 ** 2;

/** The paths that can change while the process runs. */
export function watchedPaths({ paths }: ConfigurationSource): readonly string[] {
  return paths.filter((path) => path !== STDIN_PATH);
}

/** Reads standard input to its end when a path asks for it. Rejects with ExitError when it is too large. */
export async function openSource(
  paths: readonly string[],
  input: AsyncIterable<Uint8Array> = process.stdin,
): Promise<ConfigurationSource> {
  if (!paths.includes(STDIN_PATH)) return { paths, stdin: null };
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input) {
    size += chunk.length;
    if (size > STDIN_BYTES_MAX) {
      throw new ExitError(ExitCode.config, `stdin: error: is larger than ${STDIN_BYTES_MAX / 1024 ** 2} MiB`);
    }
    chunks.push(chunk);
  }
  return { paths: [...new Set(paths)], stdin: new Uint8Array(Buffer.concat(chunks)) };
}
