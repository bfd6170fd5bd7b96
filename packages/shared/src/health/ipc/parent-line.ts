/**
 * The child's end of the IPC channel of an embedded daemon, for two that listen: what configures the daemon, and the
 * health bus.
 *
 * Node gives what came before anybody listened to the first who does; here the bus's last seed is kept until the bus
 * listens, which is when the daemon has been configured. The child's main thread.
 */
import type { ParentChannel } from './publisher.js';
import { parseRequest } from './requests.js';

type Listener = (message: unknown) => void;

export class ParentLine implements ParentChannel {
  readonly #channel: ParentChannel;
  readonly #listeners = new Set<Listener>();
  /** Came before anybody of the bus listened. */
  #kept: unknown;
  readonly #onMessage = (message: unknown): void => this.#take(message);
  readonly #configure: (services: string) => void;

  /** `configure` is called with the services (`decodeProbedServices`), in the order in which the parent sent them. */
  constructor(configure: (services: string) => void, channel: ParentChannel = process) {
    this.#channel = channel;
    this.#configure = configure;
    channel.on('message', this.#onMessage);
  }

  get connected(): boolean {
    return this.#channel.connected;
  }

  send(message: unknown, callback: (error: Error | null) => void): boolean {
    return this.#channel.send?.(message, callback) ?? false;
  }

  on(...listening: ['message', Listener] | ['disconnect', () => void]): this {
    const [event, listener] = listening;
    if (event === 'disconnect') {
      this.#channel.on(event, listener);
      return this;
    }
    this.#listeners.add(listener);
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) setImmediate(() => this.#listeners.has(listener) && listener(kept));
    return this;
  }

  off(...listening: ['message', Listener] | ['disconnect', () => void]): this {
    const [event, listener] = listening;
    if (event === 'disconnect') this.#channel.off(event, listener);
    else this.#listeners.delete(listener);
    return this;
  }

  #take(message: unknown): void {
    const request = parseRequest(message);
    if (request?.type === 'configure') this.#configure(request.services);
    else if (this.#listeners.size === 0 && request?.type === 'seed') this.#kept = message;
    else for (const listener of [...this.#listeners]) listener(message);
  }
}
