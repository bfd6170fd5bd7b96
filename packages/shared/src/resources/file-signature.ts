/**
 * A line of text that changes when what is at a path does: another file, or another content.
 *
 * Who reads a file and who watches it compare these. Any thread.
 */
import type { BigIntStats } from 'node:fs';

/** A file as it was when it was read. */
export interface FileSignature {
  /** Absolute. */
  readonly path: string;
  readonly signature: string;
}

/** Of a file with these stats, or of a path without a file, by the error's code. */
export function signatureText(path: string, found: BigIntStats | string): string {
  if (typeof found === 'string') return `${path} ${found}`;
  const { dev, ino, size, mtimeNs, ctimeNs } = found;
  return `${path} ${dev}:${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}
