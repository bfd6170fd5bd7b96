/**
 * One connection to Redis that comes back by itself.
 *
 * Each attempt is a client of its own, used until its first loss and then thrown away with its socket: nothing of a dead
 * connection is queued, resent or believed. A client that is not up within its limit is given up too, wherever it hangs;
 * attempts follow each other with growing, jittered pauses. Nothing here throws or rejects after construction.
 */
import { Redis } from 'ioredis';
import type { Logger } from '../../log.js';
import { monotonicMs } from '../clock.js';
import { CONNECT_TIMEOUT_MS, type RedisTarget } from './settings.js';
import { attemptWords, givenUpWords, redisWords } from './words.js';

const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 2_000;
/** A connection that lasted so long was a good one: the next pause is the shortest again. */
const STEADY_MS = 1_000;
/** After so long a loss is news again, also when its reason is the one that was logged last. */
const NEWS_MS = 60_000;
/** Connecting by way of sentinels, TLS, authentication and the ready check together. */
const ESTABLISH_MAX_MS = 2 * CONNECT_TIMEOUT_MS;
const CLOSE_MAX_MS = 1_000;
const LOST = 'Redis closed the connection';

export interface ConnectionEvents {
  /** Redis answers. `client` is good until `onDown`. */
  onUp(client: Redis): void;
  /** The client that was up is lost. */
  onDown(reason: string): void;
}

export class RedisConnection {
  readonly #target: RedisTarget;
  readonly #role: string;
  readonly #log: Logger;
  readonly #events: ConnectionEvents;
  #client: Redis | null = null;
  #up = false;
  #upSince = 0;
  #attempts = 0;
  #timer: NodeJS.Timeout | undefined;
  #reason = 'not connected yet';
  #closed = false;
  /** An error of the client of now has been heard. */
  #explained = false;
  #loggedReason = '';
  #loggedRefusal = '';
  /** The next connection is worth a line. */
  #news = true;

  constructor(target: RedisTarget, role: string, log: Logger, events: ConnectionEvents) {
    this.#target = target;
    this.#role = role;
    this.#log = log;
    this.#events = events;
  }

  /** The client while it is up. */
  get client(): Redis | null {
    return this.#up ? this.#client : null;
  }

  /** Why there is none, in words; '' while there is one. */
  get reason(): string {
    return this.#up ? '' : `Redis at ${this.#target.name}: ${this.#reason}`;
  }

  open(): void {
    if (this.#closed || this.#client !== null) return;
    let client: Redis;
    try {
      client = new Redis(this.#target.clientOptions(this.#role));
    } catch (error) {
      this.#reason = (error as Error).message;
      this.#openLater();
      return;
    }
    this.#client = client;
    this.#explained = false;
    client.on('error', (error: Error) => {
      if (client !== this.#client) return;
      this.#explained = true;
      const message = error.message || (error as NodeJS.ErrnoException).code || '';
      this.#reason = this.#up ? redisWords(message || LOST) : attemptWords(message, this.#target.tls);
    });
    client.on('ready', () => this.#onReady(client));
    // Before `end`; an error that came with it says more.
    client.on('close', () => this.#onClose(client));
    client.on('end', () => this.#onLost(client));
    this.#timer = setTimeout(() => this.reset(`not ready within ${ESTABLISH_MAX_MS} ms`), ESTABLISH_MAX_MS);
    client.connect().catch(() => undefined);
  }

  /**
   * What a command's failure means for the connection. An answer of Redis leaves it as it is, unless it says that this is
   * no place to write; everything else (no answer, above all) ends it.
   */
  failed(client: Redis, error: unknown): void {
    if (client !== this.#client) return;
    const { name, message } = error as Error;
    if (name !== 'ReplyError' || /^(READONLY|LOADING|MASTERDOWN)/.test(message)) {
      this.reset(message);
    } else if (message !== this.#loggedRefusal) {
      this.#loggedRefusal = message;
      this.#log.error(
        { redis: this.#target.name, role: this.#role, reason: redisWords(message) },
        'Redis refused a command',
      );
    }
  }

  /** Throws the connection away, and what Redis may still say on it, and makes another one. */
  reset(reason: string): void {
    const client = this.#client;
    if (client === null) return;
    this.#reason = this.#up ? redisWords(reason) : givenUpWords(reason, this.#target.tls);
    client.disconnect();
    this.#onLost(client);
  }

  /** No event comes any more. Resolves when the socket is gone. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = null;
    this.#up = false;
    if (client === null || client.status === 'end') return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_MAX_MS);
      client.once('end', () => {
        clearTimeout(timer);
        resolve();
      });
      client.disconnect();
    });
  }

  #onReady(client: Redis): void {
    if (client !== this.#client) return;
    clearTimeout(this.#timer);
    this.#up = true;
    this.#upSince = monotonicMs();
    this.#loggedRefusal = '';
    if (this.#news) this.#log.info({ redis: this.#target.name, role: this.#role }, 'connected to Redis');
    this.#news = false;
    this.#events.onUp(client);
  }

  #onClose(client: Redis): void {
    if (client !== this.#client || this.#explained) return;
    this.#reason = this.#up ? LOST : attemptWords('', this.#target.tls);
  }

  #onLost(client: Redis): void {
    if (client !== this.#client) return;
    clearTimeout(this.#timer);
    const wasUp = this.#up;
    const upMs = wasUp ? monotonicMs() - this.#upSince : 0;
    if (upMs > STEADY_MS) this.#attempts = 0;
    if (upMs > NEWS_MS) this.#loggedReason = '';
    this.#client = null;
    this.#up = false;
    this.#logLoss();
    this.#openLater();
    if (wasUp) this.#events.onDown(this.reason);
  }

  /** The same reason again and again is one line, also when connections come and go because nobody leads. */
  #logLoss(): void {
    if (this.#closed || this.#reason === this.#loggedReason) return;
    this.#loggedReason = this.#reason;
    this.#news = true;
    this.#log.warn({ redis: this.#target.name, role: this.#role, reason: this.#reason }, 'no connection to Redis');
  }

  #openLater(): void {
    if (this.#closed) return;
    const pause = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(this.#attempts, 10));
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.open(), pause * (0.5 + Math.random() / 2));
  }
}
