/**
 * Says whether a stage of the set-up has anything to do: a SHA-256 over the names and bytes of everything the stage
 * reads, beside the Node version and the architecture. Hashing some hundred small files costs less than starting any
 * of the tools would, and unlike timestamps it survives a checkout.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const SKIPPED = new Set(['node_modules', 'dist', 'bundle', 'build', 'harness', 'coverage', '.git']);

/** Files below `folder` (relative to `root`) whose name `wanted` accepts; generated folders are passed over. */
export function filesBelow(root, folder, wanted) {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesBelow(root, name, wanted);
    return entry.isFile() && wanted(entry.name) ? [name] : [];
  });
}

/** The fingerprint of these files (relative to `root`; a missing one counts as empty) on this Node and machine. */
export function fingerprint(root, files) {
  const hash = createHash('sha256').update(`${process.version} ${process.arch}\n`);
  for (const file of [...new Set(files)].sort()) {
    const full = path.join(root, file);
    const bytes = existsSync(full) ? readFileSync(full) : Buffer.alloc(0);
    hash.update(`${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}
