/**
 * What a client of HTTP/2 may do that costs the gateway more than it costs the client, and how much of it: a bucket for
 * each, which fills by what the client does and empties with time.
 *
 * Invariant: what ordinary clients do never fills one, and a client that does fill one is ended. What is within the
 * library's own bounds (too many CONTINUATION frames, answers to pings that pile up, …) is not asked again here. Pure; the
 * clock is passed in (performance.now, ms).
 */

/** Of a bucket: how much it holds, and how much of that runs out in a second. */
export interface GuardLimit {
  readonly holds: number;
  readonly perS: number;
}

/** Of the connection: a page that is left cancels all that it had asked for, twice over. */
const RESETS: GuardLimit = { holds: 256, perS: 30 };
/** Clients change their settings once or twice. */
const SETTINGS: GuardLimit = { holds: 32, perS: 1 };
/** Keepalive is one in seconds; measuring a path, one for each answer that came, which is given back. */
const PINGS: GuardLimit = { holds: 128, perS: 10 };
/**
 * Bytes that are neither a head nor a body. It holds what of bodies may lie unread, in the windows of all streams, and 1 MiB:
 * of frames of 13 bytes, that is a tenth of a second.
 */
const control = (unread: number): GuardLimit => ({ holds: unread + 1024 * 1024, perS: 256 * 1024 });

/** Each byte that a client gets gives it so much of one to answer with (WINDOW_UPDATE): 13 for a frame of 100. */
const CONTROL_PER_BYTE = 1 / 8;

export class Bucket {
  readonly #limit: GuardLimit;
  #level = 0;
  #atMs: number;

  constructor(limit: GuardLimit, nowMs: number) {
    this.#limit = limit;
    this.#atMs = nowMs;
  }

  /** Puts so much in, or takes it out when it is negative. True: it has run over. */
  add(amount: number, nowMs: number): boolean {
    const left = this.#level - ((nowMs - this.#atMs) / 1000) * this.#limit.perS;
    this.#atMs = nowMs;
    this.#level = Math.max(0, Math.max(0, left) + amount);
    return this.#level > this.#limit.holds;
  }
}

/** What was wrong with a client, as counters name it. */
export const GUARDS = ['resets', 'settings', 'pings', 'control', 'frames'] as const;
export type Guard = (typeof GUARDS)[number];

/** What has passed on a connection so far, bytes. */
export interface Passed {
  /** As read from its socket. */
  readonly read: number;
  /** Of that, heads and bodies. */
  readonly useful: number;
  /** Bodies that the client was sent. */
  readonly written: number;
}

export class Http2Guard {
  readonly #resets: Bucket;
  readonly #settings: Bucket;
  readonly #pings: Bucket;
  readonly #control: Bucket;
  #other = 0;
  #written = 0;

  /** `unreadMax`: bytes of bodies that may lie unread. */
  constructor(unreadMax: number, nowMs: number) {
    this.#resets = new Bucket(RESETS, nowMs);
    this.#settings = new Bucket(SETTINGS, nowMs);
    this.#pings = new Bucket(PINGS, nowMs);
    this.#control = new Bucket(control(unreadMax), nowMs);
  }

  /** A stream has ended before its answer was complete, and not by us. True, here and below: end the client. */
  onReset(nowMs: number): boolean {
    return this.#resets.add(1, nowMs);
  }

  onSettings(nowMs: number): boolean {
    return this.#settings.add(1, nowMs);
  }

  onPing(nowMs: number): boolean {
    return this.#pings.add(1, nowMs);
  }

  /** A piece of a body goes out: the client may ask how long it took. */
  onWrite(nowMs: number): void {
    this.#pings.add(-1, nowMs);
  }

  /** From time to time. */
  onPassed({ read, useful, written }: Passed, nowMs: number): boolean {
    const other = read - useful;
    const amount = other - this.#other - (written - this.#written) * CONTROL_PER_BYTE;
    this.#other = other;
    this.#written = written;
    return this.#control.add(amount, nowMs);
  }
}
