/**
 * Reads the files that Secrets name: certificates, keys and authorities that others keep and renew.
 *
 * Each file is read once, whatever the number of Secrets that name it, and never more than 1 MiB of it. What cannot be read
 * is told with the value, for whoever asks for it; nothing throws. Synchronous: runs in the thread that compiles.
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type FileSignature, signatureText } from './file-signature.js';
import type { Secret } from './resource.js';
import { fileFields, type SecretFile } from './secret.js';

const FILE_BYTES_MAX = 1024 ** 2;
const READ_BY_OTHERS = 0o004n;
const PASSED_BY_OTHERS = 0o001n;

export interface SecretsWithFiles {
  readonly secrets: readonly Secret[];
  /** The files that they name, as they were. */
  readonly files: readonly FileSignature[];
}

interface ReadFile {
  readonly file: SecretFile;
  readonly signature: string;
}

/** `folderOf`: from which the paths in a manifest are relative. */
export function readSecretFiles(secrets: readonly Secret[], folderOf: (manifest: string) => string): SecretsWithFiles {
  const read = new Map<string, ReadFile>();
  const fileAt = (path: string): SecretFile => {
    const { file, signature } = read.get(path) ?? readOnce(path);
    read.set(path, { file, signature });
    return file;
  };
  const withFiles = secrets.map((secret) => {
    const fields = fileFields(secret.annotations);
    if (fields.length === 0) return secret;
    const folder = folderOf(secret.origin.file);
    const files = fields.map((field) => [field, fileAt(resolve(folder, secret.annotations[field] ?? ''))]);
    return { ...secret, spec: { ...secret.spec, files: Object.fromEntries(files) } };
  });
  return { secrets: withFiles, files: [...read].map(([path, { signature }]) => ({ path, signature })) };
}

function readOnce(path: string): ReadFile {
  let file: number;
  try {
    // A FIFO must not be waited for.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { fault, hint } = systemFault(error as NodeJS.ErrnoException);
    return { file: faulty(path, fault, hint), signature: signatureText(path, statsOf(path)) };
  }
  try {
    const stats = fstatSync(file, { bigint: true });
    return { file: contentOf(path, file, stats), signature: signatureText(path, stats) };
  } catch (error) {
    return { file: faulty(path, `cannot be read: ${(error as Error).message}`), signature: signatureText(path, '') };
  } finally {
    closeSync(file);
  }
}

function contentOf(path: string, file: number, stats: BigIntStats): SecretFile {
  if (stats.isDirectory()) return faulty(path, 'is a folder', 'name a file in it');
  if (!stats.isFile()) return faulty(path, 'is not a regular file');
  const buffer = Buffer.alloc(FILE_BYTES_MAX + 1);
  let size = 0;
  for (let count = -1; count !== 0 && size < buffer.length; size += count) {
    count = readSync(file, buffer, size, buffer.length - size, null);
  }
  if (size > FILE_BYTES_MAX) return faulty(path, 'is larger than 1 MiB');
  if (size === 0) return faulty(path, 'is empty');
  return { ...faulty(path, ''), text: buffer.toString('utf8', 0, size), forEverybody: isForEverybody(path, stats) };
}

function faulty(path: string, fault: string, hint = ''): SecretFile {
  return { path, text: '', fault, hint, forEverybody: false };
}

function systemFault({ code, message }: NodeJS.ErrnoException): { readonly fault: string; readonly hint: string } {
  if (code === 'ENOENT') {
    return { fault: 'does not exist', hint: 'a path is absolute, or relative to the folder of the manifest' };
  }
  if (code !== 'EACCES') return { fault: `cannot be read: ${message}`, hint: '' };
  const hint = 'let its user or group read the file, and pass every folder on the way (and of what links lead to)';
  return { fault: 'may not be read by this user', hint };
}

/** Or the code of the error. */
function statsOf(path: string): BigIntStats | string {
  try {
    return statSync(path, { bigint: true });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? '';
  }
}

/** A file that everybody may read in a folder that only its owner may pass (certbot's `archive`) is read by nobody else. */
function isForEverybody(path: string, { mode }: BigIntStats): boolean {
  if ((mode & READ_BY_OTHERS) === 0n) return false;
  try {
    for (let folder = dirname(realpathSync(path)); ; folder = dirname(folder)) {
      if ((statSync(folder, { bigint: true }).mode & PASSED_BY_OTHERS) === 0n) return false;
      if (folder === dirname(folder)) return true;
    }
  } catch {
    return false;
  }
}
