/**
 * Reads a configuration from the file system: files, or folders of `*.yaml`, `*.yml` and `*.json`.
 *
 * A folder is read in the order of its file names, not its sub-folders, not its hidden files, not npm's package.json.
 * The files that Secrets name are read too. What cannot be read is an issue like any other; nothing throws. Synchronous: runs in the thread that compiles, never in a worker.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { FileSignature } from './file-signature.js';
import { type ConfigIssue, fileIssue } from './issue.js';
import { MANIFEST, STDIN_PATH, type Streams } from './manifest-paths.js';
import { parseResources } from './parse.js';
import type { LoadResult } from './resource.js';
import { readSecretFiles } from './secret-files.js';
import type { SourceFile } from './source.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

const NO_STREAMS: Streams = new Map();

export interface LoadedConfiguration extends LoadResult {
  /** The files that Secrets name. */
  readonly files: readonly FileSignature[];
}

/**
 * The resources under `paths`. Without a Gateway among them there is nothing to serve, which is an error too. `streams`:
 * what was read before of paths that can be read once only; without it, `-` reads standard input.
 */
export function loadResources(paths: readonly string[], streams: Streams = NO_STREAMS): LoadedConfiguration {
  const issues: ConfigIssue[] = [];
  const files = distinct(paths.flatMap((path) => manifests(path, issues)));
  const { resources, issues: found } = parseResources(files.flatMap((file) => readManifest(file, streams, issues)));
  if (resources.gateways.length === 0 && ![...issues, ...found].some((issue) => issue.severity === 'error')) {
    const hint = 'a Gateway of gateway.networking.k8s.io/v1 says where to listen';
    issues.push(fileIssue(paths.join(', '), 'contains no Gateway', hint));
  }
  // What a pipe says has no folder.
  const folderOf = (manifest: string) => (streams.has(manifest) ? '.' : dirname(manifest));
  const { secrets, files: named } = readSecretFiles(resources.secrets, folderOf);
  return { resources: { ...resources, secrets }, issues: [...issues, ...found], files: named };
}

/** A file that is named twice, as a folder and by itself perhaps, is read once. */
function distinct(files: readonly string[]): string[] {
  const first = new Map<string, string>();
  for (const file of files) if (!first.has(resolve(file))) first.set(resolve(file), file);
  return [...first.values()];
}

function manifests(path: string, issues: ConfigIssue[]): string[] {
  if (path === STDIN_PATH) return [path];
  try {
    if (!statSync(path).isDirectory()) return [path];
    const entries = readdirSync(path, { withFileTypes: true });
    const names = entries.map(({ name }) => name).filter((name) => MANIFEST.test(name));
    if (names.length === 0) {
      const hint = entries.some((entry) => entry.isDirectory())
        ? 'its sub-folders are not read: name each of them with --config'
        : '';
      issues.push(fileIssue(path, 'contains no *.yaml, *.yml or *.json file', hint));
    }
    return names.sort().map((name) => join(path, name));
  } catch (error) {
    issues.push(fileIssue(path, systemMessage(error)));
    return [];
  }
}

function readManifest(file: string, streams: Streams, issues: ConfigIssue[]): SourceFile[] {
  try {
    const stream = streams.get(file);
    if (file === STDIN_PATH) return [{ file: 'stdin', text: utf8.decode(stream ?? readFileSync(0)) }];
    if (stream !== undefined) return [{ file, text: utf8.decode(stream) }];
    if (statSync(file).isDirectory()) return [];
    return [{ file, text: utf8.decode(readFileSync(file)) }];
  } catch (error) {
    issues.push(fileIssue(file, systemMessage(error)));
    return [];
  }
}

function systemMessage(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'EACCES') return 'may not be read by this user';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'is not UTF-8 text';
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
