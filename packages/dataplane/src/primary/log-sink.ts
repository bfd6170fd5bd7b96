/**
 * Where access-log bytes go: a file (appended to), or a pipe, socket or terminal, without ever blocking the thread.
 *
 * Invariant: one write at a time; a write is whole or its error is reported, and after a torn line the next write
 * begins with a line end. Pipes are written without blocking: a write that blocks would occupy a thread of the pool,
 * and the process could not exit before its reader has read. A FIFO may be without a reader, at the start too: what is
 * written then is an error, and it is opened again at most once a second. Primary thread.
 */
import { closeSync, constants, fstatSync, openSync, statSync, write } from 'node:fs';
import { Socket } from 'node:net';

/** `lostFrom`: with an error, the first byte that was not written. */
export type WriteDone = (error: NodeJS.ErrnoException | null, lostFrom: number) => void;

export interface LogSink {
  /** Writes all of `bytes`, which must stay as they are until `done`. */
  write(bytes: Uint8Array, done: WriteDone): void;
  /**
   * Opens the path again, after a rotation; false when there is no path to open. Throws when it cannot be opened: then
   * the old file stays in use.
   */
  reopen(): boolean;
  close(): void;
}

const STDOUT_FD = 1;
const RETRY_MS = 50;
const REOPEN_INTERVAL_MS = 1000;
const LINE_END = 0x0a;
const FILE_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
const PIPE_FLAGS = constants.O_WRONLY | constants.O_NONBLOCK;

/** A sink on a path, `-` being stdout. Throws the system error when it cannot be opened. */
export function openSink(target: string): LogSink {
  if (target === '-') return openStdout();
  if (statSync(target, { throwIfNoEntry: false })?.isFIFO()) return new FifoSink(target);
  return new FileSink(openFile(target), target);
}

function openFile(path: string): number {
  return openSync(path, FILE_FLAGS, 0o640);
}

/** The writing end of a FIFO. Throws ENXIO when nobody reads it, and when there is something else in its place. */
function openFifo(path: string): number {
  const fd = openSync(path, PIPE_FLAGS);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw Object.assign(new Error(`${path} is no FIFO any more`), { code: 'ENXIO' });
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
    const mend = this.#torn ? [LINE_END] : [];
    const whole = this.#torn ? Buffer.concat([Buffer.from(mend), bytes]) : bytes;
    this.#writeFrom(this.#fd, whole, 0, (error, at) => done(error, Math.max(0, at - mend.length)));
  }

  /** All of it into one file: that a rotation comes between two parts must not tear a line. */
  #writeFrom(fd: number, bytes: Uint8Array, from: number, done: WriteDone): void {
    write(fd, bytes, from, bytes.length - from, null, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => this.#writeFrom(fd, bytes, from, done), RETRY_MS);
      else if (error !== null) this.#finish(fd, from, bytes, error, done);
      else if (from + written < bytes.length) this.#writeFrom(fd, bytes, from + written, done);
      else this.#finish(fd, from + written, bytes, null, done);
    });
  }

  #finish(fd: number, at: number, bytes: Uint8Array, error: NodeJS.ErrnoException | null, done: WriteDone): void {
    this.#writing = false;
    if (at > 0 && fd === this.#fd) this.#torn = bytes[at - 1] !== LINE_END;
    if (this.#retired !== undefined) closeSync(this.#retired);
    this.#retired = undefined;
    done(error, at);
  }

  reopen(): boolean {
    if (this.#path === undefined) return false;
    const fd = openFile(this.#path);
    // A write that is on its way ends in the old file.
    if (this.#writing && this.#retired === undefined) this.#retired = this.#fd;
    else closeSync(this.#fd);
    this.#fd = fd;
    this.#torn = false;
    return true;
  }

  close(): void {
    if (this.#path !== undefined && !this.#writing) closeSync(this.#fd);
  }
}

/** A pipe's or socket's writing end. */
class Stream {
  readonly #socket: Socket;
  #error: NodeJS.ErrnoException | undefined;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on('error', (error) => {
      this.#error = error;
    });
  }

  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null) => void): void {
    this.#socket.write(bytes, (error) => done(error == null ? null : (this.#error ?? error)));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  unref(): void {
    this.#socket.unref();
  }
}

/** What stdout is, if no file: it cannot be opened again. */
class StreamSink implements LogSink {
  readonly #stream: Stream;
  readonly #owned: boolean;

  constructor(fd: number, owned: boolean) {
    this.#stream = new Stream(fd);
    this.#owned = owned;
  }

  write(bytes: Uint8Array, done: WriteDone): void {
    this.#stream.write(bytes, (error) => done(error, 0));
  }

  reopen(): boolean {
    return false;
  }

  close(): void {
    if (this.#owned) this.#stream.destroy();
    else this.#stream.unref();
  }
}

class FifoSink implements LogSink {
  readonly #path: string;
  #stream: Stream | undefined;
  /** Its write is on its way; ends with it. */
  #retired: Stream | undefined;
  #writing = false;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #error: NodeJS.ErrnoException = Object.assign(new Error('nobody reads the FIFO'), { code: 'ENXIO' });

  constructor(path: string) {
    this.#path = path;
    this.#tryOpen();
  }

  write(bytes: Uint8Array, done: WriteDone): void {
    if (this.#stream === undefined) this.#tryOpen();
    const stream = this.#stream;
    if (stream === undefined) {
      setImmediate(() => done(this.#error, 0));
      return;
    }
    this.#writing = true;
    stream.write(bytes, (error) => {
      this.#writing = false;
      this.#retired?.destroy();
      this.#retired = undefined;
      if (error !== null && stream === this.#stream) this.#drop(stream, error);
      done(error, 0);
    });
  }

  #drop(stream: Stream, error: NodeJS.ErrnoException): void {
    stream.destroy();
    this.#stream = undefined;
    this.#error = error;
  }

  #tryOpen(): void {
    const nowMs = performance.now();
    if (nowMs - this.#triedAtMs < REOPEN_INTERVAL_MS) return;
    this.#triedAtMs = nowMs;
    try {
      this.#stream = new Stream(openFifo(this.#path));
    } catch (error) {
      this.#error = error as NodeJS.ErrnoException;
    }
  }

  reopen(): boolean {
    const stream = new Stream(openFifo(this.#path));
    if (this.#writing && this.#retired === undefined) this.#retired = this.#stream;
    else this.#stream?.destroy();
    this.#stream = stream;
    return true;
  }

  close(): void {
    this.#retired?.destroy();
    this.#stream?.destroy();
  }
}
