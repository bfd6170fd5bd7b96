/**
 * Signals from the first moment on: until somebody takes them over they are remembered, so that a process that is told
 * to end while it still loads or compiles ends in order.
 *
 * Depends on nothing, so that it can be in place before anything else is loaded. Primary thread.
 */
export type EndSignal = 'SIGTERM' | 'SIGINT';

export interface SignalHandlers {
  readonly end: (signal: EndSignal) => void;
  readonly reopen: () => void;
}

export class Signals {
  #handlers: SignalHandlers | undefined;
  #early: EndSignal | undefined;
  #reopenEarly = false;
  #endedEarly: () => void = () => {};
  /** Resolves when a signal to end comes before `handle`. */
  readonly ended = new Promise<undefined>((resolve) => {
    this.#endedEarly = () => resolve(undefined);
  });
  readonly #onEnd = (signal: NodeJS.Signals): void => {
    if (this.#handlers !== undefined) {
      this.#handlers.end(signal as EndSignal);
      return;
    }
    this.#early ??= signal as EndSignal;
    this.#endedEarly();
  };
  /** What is read when it comes, or was a moment ago, is to be read again. */
  readonly #onReopen = (): void => {
    if (this.#handlers === undefined) this.#reopenEarly = true;
    else this.#handlers.reopen();
  };

  constructor() {
    process.on('SIGTERM', this.#onEnd).on('SIGINT', this.#onEnd).on('SIGHUP', this.#onReopen);
  }

  /** The signal to end that has come before `handle`. */
  get early(): EndSignal | undefined {
    return this.#early;
  }

  handle(handlers: SignalHandlers): void {
    this.#handlers = handlers;
    if (this.#reopenEarly) handlers.reopen();
    this.#reopenEarly = false;
  }

  /** From here on signals do what they do to any process. */
  close(): void {
    process.off('SIGTERM', this.#onEnd).off('SIGINT', this.#onEnd).off('SIGHUP', this.#onReopen);
  }
}
