/**
 * Where the daemon's services come from: configuration files, or the parent of an embedded daemon.
 *
 * Both say what to begin with, and every change from then on, in order. healthd's only thread.
 */
import type { ConfigurationState } from '@sluice/shared/admin/configuration-metrics';
import { ParentLine } from '@sluice/shared/health/ipc/parent-line';
import type { ParentChannel } from '@sluice/shared/health/ipc/publisher';
import { decodeProbedServices, type ProbedServices } from '@sluice/shared/health/probed-services';
import type { Logger } from '@sluice/shared/log';

export interface ServicesSource {
  /** What there is to probe at first. Rejects with ExitError when there is no saying. */
  first(): Promise<ProbedServices>;
  /** To be called once, behind `first`: with everything that comes after that. */
  follow(apply: (services: ProbedServices) => void): void;
  /** Looks whether there is something new. */
  reload(): void;
  /** undefined: the configuration is another process's. */
  readonly state: ConfigurationState | undefined;
  /** Idempotent. */
  close(): Promise<void>;
}

/** The parent process says it. */
export class ParentServices implements ServicesSource {
  readonly state = undefined;
  /** For the health bus. */
  readonly channel: ParentChannel;
  readonly #log: Logger;
  /** The newest that nobody has taken yet. */
  #waiting: ProbedServices | undefined;
  #onWaiting: (() => void) | undefined;
  #apply: ((services: ProbedServices) => void) | undefined;

  constructor(log: Logger, channel: ParentChannel = process) {
    this.#log = log;
    this.channel = new ParentLine((text) => this.#take(text), channel);
  }

  async first(): Promise<ProbedServices> {
    for (;;) {
      const services = this.#waiting;
      this.#waiting = undefined;
      if (services !== undefined) return services;
      await new Promise<void>((resolve) => {
        this.#onWaiting = resolve;
      });
    }
  }

  follow(apply: (services: ProbedServices) => void): void {
    this.#apply = apply;
    if (this.#waiting !== undefined) apply(this.#waiting);
    this.#waiting = undefined;
  }

  reload(): void {}

  async close(): Promise<void> {
    this.#apply = () => {};
  }

  #take(text: string): void {
    try {
      const services = decodeProbedServices(text);
      if (this.#apply !== undefined) {
        this.#apply(services);
        return;
      }
      this.#waiting = services;
      this.#onWaiting?.();
    } catch (error) {
      this.#log.error({ err: error }, 'what the parent says of the services cannot be used; they stay as they are');
    }
  }
}
