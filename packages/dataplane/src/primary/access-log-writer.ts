/**
 * The only writer of the access log: moves whole lines from every engine's ring to the sink.
 *
 * Invariant: one write is on its way at a time and nothing waits for it but the rings, whose engines count what does
 * not fit. What is lost, in a ring or in the sink, is said in the process log: at once, then at most every 10 s, and
 * at the end. A dead worker's ring is read like any other. Primary thread.
 */
import type { Logger } from '@sluice/shared/log';
import type { EngineIndex, Native } from '../engine/binding.js';
import { readStats } from '../engine/stats.js';
import type { LogSink } from './log-sink.js';

const INTERVAL_MS = 50;
const HURRY_INTERVAL_MS = 5;
const BUFFER_BYTES = 1024 * 1024;
const WARNING_INTERVAL_MS = 10_000;
const LINE_END = 0x0a;

export interface AccessLogOptions {
  readonly native: Native;
  readonly engines: readonly EngineIndex[];
  /** Size of each engine's ring. */
  readonly ringBytes: number;
  readonly sink: LogSink;
  readonly log: Logger;
  /** Told after each round how many bytes wait in the rings, estimated. */
  readonly onBacklog: (bytes: number) => void;
}

export class AccessLogWriter {
  readonly #options: AccessLogOptions;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #timer: NodeJS.Timeout | undefined;
  #writing = false;
  #closed = false;
  #first = 0;
  #linesRead = 0;
  #bytesRead = 0;
  #linesInFlight = 0;
  #linesLost = 0;
  #lastError = '';
  #reported = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  #idle: (() => void) | undefined;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  /** Records that could not be written to their file or pipe. */
  get writeLosses(): number {
    return this.#linesLost;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), INTERVAL_MS);
  }

  /** Opens the file again, after a rotation. */
  reopen(): void {
    try {
      if (this.#options.sink.reopen()) this.#options.log.info('access log opened again');
    } catch (error) {
      this.#options.log.error({ err: error }, 'access log cannot be opened again; what was open stays in use');
    }
  }

  /** Reads the rings as fast as it can from now on: every connection is about to leave its record. */
  hurry(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), HURRY_INTERVAL_MS);
  }

  /** Writes what the rings hold, for at most `deadlineMs`, says what was lost, and ends. Idempotent. */
  async close(deadlineMs: number): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    let late: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      late = setTimeout(resolve, deadlineMs);
    });
    await Promise.race([this.#flushed(), deadline]);
    clearTimeout(late);
    const waiting = this.#waitingLines() + this.#linesInFlight;
    if (waiting > 0) {
      this.#options.log.error({ records: waiting }, 'access log could not be written out in time');
    }
    this.#closed = true;
    this.#report(true);
    this.#options.sink.close();
  }

  #flushed(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve;
      this.#tick();
    });
  }

  #tick(): void {
    if (!this.#writing) this.#round();
    if (this.#options.engines.length > 0) this.#options.onBacklog(this.#backlogBytes());
    this.#report(false);
  }

  #round(): void {
    const length = this.#fill();
    if (length === 0) {
      this.#idle?.();
      return;
    }
    this.#linesInFlight = this.#countLines(0, length);
    this.#linesRead += this.#linesInFlight;
    this.#bytesRead += length;
    this.#writing = true;
    this.#options.sink.write(this.#buffer.subarray(0, length), (error, lostFrom) => {
      this.#writing = false;
      if (error !== null) this.#lose(this.#countLines(lostFrom, length), error);
      this.#linesInFlight = 0;
      if (this.#closed) return;
      // Soon again when much was there, or when the end waits for it: the timer is for quiet times.
      const much = Math.min(BUFFER_BYTES, this.#options.ringBytes) / 2;
      if (this.#idle !== undefined || length > much) this.#round();
    });
  }

  /** Fills the buffer from the rings, beginning with another one each time. */
  #fill(): number {
    const { native, engines } = this.#options;
    let at = 0;
    for (let step = 0; step < engines.length; step++) {
      const engine = engines[(this.#first + step) % engines.length] as EngineIndex;
      at += native.logRead(engine, this.#buffer.subarray(at));
    }
    this.#first++;
    return at;
  }

  /** Lines that end in this part of the buffer. */
  #countLines(from: number, to: number): number {
    let lines = 0;
    const part = this.#buffer.subarray(from, to);
    for (let at = part.indexOf(LINE_END); at >= 0; at = part.indexOf(LINE_END, at + 1)) lines++;
    return lines;
  }

  #lose(lines: number, error: NodeJS.ErrnoException): void {
    this.#linesLost += lines;
    const code = error.code ?? error.message;
    if (code === this.#lastError) return;
    this.#lastError = code;
    this.#options.log.error({ code }, 'access log cannot be written; records are lost and counted');
  }

  #sum(name: 'logRecords' | 'logDrops'): number {
    const { native, engines } = this.#options;
    return engines.reduce((sum, engine) => sum + readStats(native, engine)[name], 0);
  }

  #waitingLines(): number {
    return Math.max(0, this.#sum('logRecords') - this.#linesRead);
  }

  #backlogBytes(): number {
    return this.#linesRead === 0 ? 0 : this.#waitingLines() * (this.#bytesRead / this.#linesRead);
  }

  #report(atEnd: boolean): void {
    const lost = this.#linesLost + this.#sum('logDrops');
    if (lost === this.#reported) return;
    const nowMs = performance.now();
    if (!atEnd && nowMs - this.#reportedAtMs < WARNING_INTERVAL_MS) return;
    this.#options.log.warn({ records: lost - this.#reported, total: lost }, 'access-log records lost');
    this.#reported = lost;
    this.#reportedAtMs = nowMs;
  }
}
