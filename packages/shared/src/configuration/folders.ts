/**
 * Which folders have to be watched for a change of what a path means, and how the change would show in a stat.
 *
 * A path means something else when a file is written, when another is put in its place, when any symlink on the way to it
 * turns (a ConfigMap's `..data`), and when a folder goes and comes. Each of these is an event in a folder that the path
 * passes. Main thread; reads the file system without blocking.
 */
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { basename, parse, resolve, sep } from 'node:path';
import { signatureText } from '../resources/file-signature.js';
import { MANIFEST } from '../resources/manifest-paths.js';

/** Symlinks that one path may lead over, as in the kernel. */
const LINKS_MAX = 40;
/** Links inside a configuration folder that are followed; what is behind others is found by looking now and then. */
const ENTRIES_FOLLOWED_MAX = 64;
/** Questions to the file system at once. */
const AT_ONCE = 16;

/** Folders by their own paths, and what concerns us in each of them. */
export type Folders = Map<string, FolderNames>;

export interface FolderNames {
  readonly names: Set<string>;
  /** Every manifest in it does. */
  everyManifest: boolean;
}

/** Adds the folders in which a change may change what `path` means. */
export async function addFolders(path: string, folders: Folders): Promise<void> {
  const final = await walk(resolve(path), folders);
  if (final === undefined) return;
  const entries = await readdir(final, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return;
  namesIn(folders, final).everyManifest = true;
  const links = entries.filter((entry) => entry.isSymbolicLink() && MANIFEST.test(entry.name));
  for (const { name } of links.slice(0, ENTRIES_FOLLOWED_MAX)) await walk(resolve(final, name), folders);
}

/** Whether an event for `name` in `folder` concerns us. Without a name, and for the folder itself, it does. */
export function concerns(folders: Folders, folder: string, name: string | null): boolean {
  const known = folders.get(folder);
  if (name === null || name === basename(folder)) return true;
  return known !== undefined && (known.names.has(name) || (known.everyManifest && MANIFEST.test(name)));
}

function namesIn(folders: Folders, folder: string): FolderNames {
  const known = folders.get(folder) ?? { names: new Set(), everyManifest: false };
  folders.set(folder, known);
  return known;
}

/** Follows a path to where it leads, noting what it passes that can turn. undefined: it leads nowhere now. */
async function walk(path: string, folders: Folders): Promise<string | undefined> {
  const { root } = parse(path);
  const partsOf = (absolute: string): string[] =>
    absolute
      .slice(root.length)
      .split(sep)
      .filter((part) => part !== '');
  let [at, rest, links] = [root, partsOf(path), 0];
  while (rest.length > 0) {
    const [name = '', ...after] = rest;
    const target = await linkTarget(resolve(at, name));
    if (target !== '' || after.length === 0) namesIn(folders, at).names.add(name);
    if (target === null || links > LINKS_MAX) return undefined;
    if (target === '') {
      [at, rest] = [resolve(at, name), after];
      continue;
    }
    links += 1;
    [at, rest] = [root, [...partsOf(resolve(at, target)), ...after]];
  }
  return at;
}

/** Where a symlink leads; '' for what is none; null: there is nothing. */
async function linkTarget(path: string): Promise<string | null> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : '';
  } catch {
    return null;
  }
}

/** Text that changes with what `paths` mean: names, inodes, sizes and times of the files. */
export async function signatureOf(paths: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const path of paths) {
    const names = await readdir(path).catch(() => undefined);
    const files = names?.filter((name) => MANIFEST.test(name)).map((name) => resolve(path, name)) ?? [path];
    for (let at = 0; at < files.length; at += AT_ONCE) {
      lines.push(...(await Promise.all(files.slice(at, at + AT_ONCE).map(fileSignature))));
    }
  }
  return lines.sort().join('\n');
}

/** signatureText of what is there now. */
export async function fileSignature(file: string): Promise<string> {
  try {
    return signatureText(file, await stat(file, { bigint: true }));
  } catch (error) {
    return signatureText(file, (error as NodeJS.ErrnoException).code ?? '');
  }
}

/** Tells a folder from another one at its path; undefined when there is none. */
export async function folderIdentity(folder: string): Promise<string | undefined> {
  const found = await stat(folder).catch(() => undefined);
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}
