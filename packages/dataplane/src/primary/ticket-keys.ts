/**
 * The keys of TLS session tickets: one for all workers, another one every `ROTATION_MS`.
 *
 * A ticket can be opened for one rotation after its key was replaced, longer than sessions live. They are this process's
 * own: a client that comes back to another machine does a full handshake. Primary thread.
 */
import { randomBytes } from 'node:crypto';
import { type NativeTls, TICKET_KEY_BYTES } from '../engine/tls-binding.js';

const ROTATION_MS = 12 * 3_600_000;

export class TicketKeys {
  readonly #native: Pick<NativeTls, 'tlsTicketKeys'>;
  #current = randomBytes(TICKET_KEY_BYTES);
  #timer: NodeJS.Timeout | undefined;

  constructor(native: Pick<NativeTls, 'tlsTicketKeys'>) {
    this.#native = native;
    native.tlsTicketKeys(this.#current);
    this.#timer = setInterval(() => this.rotate(), ROTATION_MS).unref();
  }

  rotate(): void {
    const previous = this.#current;
    this.#current = randomBytes(TICKET_KEY_BYTES);
    this.#native.tlsTicketKeys(Buffer.concat([this.#current, previous]));
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
