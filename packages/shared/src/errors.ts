/**
 * The base of every error that Sluice raises itself.
 *
 * It says whose fault it is and whether trying again is safe. Structured clone keeps neither class nor code of an
 * error, so between threads and processes it travels as the plain object of `toJSON` and is made again by `fromJSON`.
 */

export type ErrorSource = 'client' | 'upstream' | 'internal';

export interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly source: ErrorSource;
  readonly retry: boolean;
  readonly stack?: string;
}

export interface SluiceErrorOptions {
  readonly source: ErrorSource;
  /** Whether the same thing may be tried again (on another endpoint, a moment later) without doing harm. */
  readonly retry?: boolean;
  readonly cause?: unknown;
}

export class SluiceError extends Error {
  override readonly name: string = 'SluiceError';
  /** From the catalogue of the package that raises it: upper case with underscores. */
  readonly code: string;
  readonly source: ErrorSource;
  readonly retry: boolean;

  constructor(code: string, message: string, options: SluiceErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.source = options.source;
    this.retry = options.retry ?? false;
  }

  toJSON(): PlainError {
    const { code, message, source, retry, stack } = this;
    return stack === undefined ? { code, message, source, retry } : { code, message, source, retry, stack };
  }

  /** The error again, with the stack of the place that raised it. The cause stays behind. */
  static fromJSON(plain: PlainError): SluiceError {
    const error = new SluiceError(plain.code, plain.message, plain);
    if (plain.stack !== undefined) error.stack = plain.stack;
    return error;
  }
}
