/**
 * Where the configuration of a process is read from. Plain data: it crosses to the compiler's thread.
 *
 * Standard input, a FIFO and a pipe can be read once only, so the process reads them at its start and keeps what they
 * said; they are not watched. Main thread.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ExitCode, ExitError } from '../cli/exit-codes.js';
import { STDIN_PATH, type Streams } from '../resources/manifest-paths.js';

export interface ConfigurationSource {
  /** As `--config` gave them: files and folders; `-` is standard input. Each once. */
  readonly paths: readonly string[];
  /** What those of them said that can be read once only. */
  readonly streams: Streams;
}

const STREAM_BYTES_MAX = 64 * 1024 ** 2;

/** The paths that can change while the process runs. */
export function watchedPaths({ paths, streams }: ConfigurationSource): readonly string[] {
  return paths.filter((path) => !streams.has(path));
}

/** Reads what can be read once only. Rejects with ExitError when that fails, or is too much. */
export async function openSource(
  paths: readonly string[],
  stdin: AsyncIterable<Uint8Array> = process.stdin,
): Promise<ConfigurationSource> {
  const streams = new Map<string, Uint8Array>();
  const distinct = [...new Set(paths)];
  for (const path of distinct) {
    const input = path === STDIN_PATH ? stdin : await openStream(path);
    if (input !== undefined) streams.set(path, await readStream(path, input));
  }
  return { paths: distinct, streams };
}

/** undefined: it is a file or a folder, or nothing yet. */
async function openStream(path: string): Promise<AsyncIterable<Uint8Array> | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined || found.isFile() || found.isDirectory() ? undefined : createReadStream(path);
}

async function readStream(path: string, input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of input) {
      size += chunk.length;
      if (size > STREAM_BYTES_MAX) throw new Error(`is larger than ${STREAM_BYTES_MAX / 1024 ** 2} MiB`);
      chunks.push(chunk);
    }
  } catch (error) {
    const name = path === STDIN_PATH ? 'stdin' : path;
    throw new ExitError(ExitCode.config, `${name}: error: ${(error as Error).message}`, { cause: error });
  }
  return new Uint8Array(Buffer.concat(chunks));
}
