/**
 * The process log: JSON lines in pino's format, one logger per component and thread.
 *
 * Goes to stderr, because stdout carries the ready line. In the main thread lines are buffered and written out when the
 * process exits, `process.exit` included; pino does not do that for other threads, so there every line is written at
 * once. This is not the access log.
 */
import { openSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** The component: field `name` of every line. */
  readonly name: string;
  /** A file descriptor or the path of a file to append to; stderr when absent. */
  readonly destination?: number | string;
}

/** A logger. Throws the system error when the file cannot be opened. */
export function createLogger(options: LogOptions): Logger {
  const { destination = 2 } = options;
  const fd = typeof destination === 'number' ? destination : openSync(destination, 'a');
  return pino({ level: options.level, name: options.name }, pino.destination({ dest: fd, sync: !isMainThread }));
}
