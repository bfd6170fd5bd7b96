/**
 * Where access-log bytes go: a file (appended to), or a pipe, socket or terminal, without ever blocking the thread.
 *
 * Invariant: one write at a time; a write is whole or its error is reported, and after a torn line the next write
 * begins with a line end. Pipes are written without blocking: a write that blocks would occupy a thread of the pool,
 * and the process could not exit before its reader has read. Primary thread.
 */
import { closeSync, constants, fstatSync, openSync, write } from 'node:fs';
import { Socket } from 'node:net';

export type WriteDone = (error: NodeJS.ErrnoException | null) => void;

export interface LogSink {
  /** Writes all of `bytes`, which must stay as they are until `done`. */
  write(bytes: Uint8Array, done: WriteDone): void;
  /** Opens the file again, after a rotation. Throws when it cannot be opened: the old one stays. */
  reopen(): void;
  close(): void;
}

const STDOUT_FD = 1;
const RETRY_MS = 50;
const LINE_END = 0x0a;
const FILE_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
const PIPE_FLAGS = constants.O_WRONLY | constants.O_NONBLOCK;

/** A sink on a path, `-` being stdout. Throws the system error when it cannot be opened. */
export function openSink(target: string): LogSink {
  if (target === '-') return openStdout();
  const fd = openFile(target);
  return isStream(fd) ? new StreamSink(fd, true) : new FileSink(fd, target);
}

function openFile(path: string): number {
  return openSync(path, FILE_FLAGS, 0o640);
}

function isStream(fd: number): boolean {
  const stats = fstatSync(fd);
  return stats.isFIFO() || stats.isSocket();
}

function openStdout(): LogSink {
  if (!isStream(STDOUT_FD)) return new FileSink(STDOUT_FD, undefined);
  try {
    // A description of our own: O_NONBLOCK on the inherited one would show in every process that shares it.
    return new StreamSink(openSync('/proc/self/fd/1', PIPE_FLAGS), true);
  } catch {
    return new StreamSink(STDOUT_FD, false);
  }
}

class FileSink implements LogSink {
  #fd: number;
  readonly #path: string | undefined;
  #writing = false;
  #retired: number | undefined;
  #torn = false;

  /** Without a path the descriptor is inherited: never closed, never opened again. */
  constructor(fd: number, path: string | undefined) {
    this.#fd = fd;
    this.#path = path;
  }

  write(bytes: Uint8Array, done: WriteDone): void {
    this.#writing = true;
    this.#writeFrom(this.#torn ? Buffer.concat([Buffer.from([LINE_END]), bytes]) : bytes, 0, done);
  }

  #writeFrom(bytes: Uint8Array, from: number, done: WriteDone): void {
    write(this.#fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => this.#writeFrom(bytes, from, done), RETRY_MS);
      else if (error !== null) this.#finish(from, bytes, error, done);
      else if (from + written < bytes.length) this.#writeFrom(bytes, from + written, done);
      else this.#finish(from + written, bytes, null, done);
    });
  }

  #finish(at: number, bytes: Uint8Array, error: NodeJS.ErrnoException | null, done: WriteDone): void {
    this.#writing = false;
    if (at > 0) this.#torn = bytes[at - 1] !== LINE_END;
    if (this.#retired !== undefined) closeSync(this.#retired);
    this.#retired = undefined;
    done(error);
  }

  reopen(): void {
    if (this.#path === undefined) return;
    const fd = openFile(this.#path);
    // A write that is on its way ends in the old file.
    if (this.#writing && this.#retired === undefined) this.#retired = this.#fd;
    else closeSync(this.#fd);
    this.#fd = fd;
    this.#torn = false;
  }

  close(): void {
    if (this.#path !== undefined && !this.#writing) closeSync(this.#fd);
  }
}

class StreamSink implements LogSink {
  readonly #socket: Socket;
  readonly #owned: boolean;
  #error: NodeJS.ErrnoException | undefined;

  constructor(fd: number, owned: boolean) {
    this.#owned = owned;
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
  }

  write(bytes: Uint8Array, done: WriteDone): void {
    this.#socket.write(bytes, (error) => done(error == null ? null : (this.#error ?? error)));
  }

  reopen(): void {}

  close(): void {
    if (this.#owned) this.#socket.destroy();
    else this.#socket.unref();
  }
}
