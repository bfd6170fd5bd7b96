/**
 * A short text on stdout or stderr, written whole and at once.
 *
 * Not through `process.stdout`, whose error event would have to be handled for the life of the process: an output that
 * is closed or full is no reason not to serve. Primary thread.
 */
import { writeSync } from 'node:fs';

const ATTEMPTS_MAX = 100;
const PAUSE_MS = 10;

/** Writes `text`; gives up without an error when `fd` is closed or takes nothing for a second. */
export function writeText(fd: 1 | 2, text: string): void {
  let bytes = Buffer.from(text);
  for (let attempt = 0; attempt < ATTEMPTS_MAX && bytes.length > 0; attempt++) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
