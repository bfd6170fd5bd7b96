/**
 * One attempt of a probe: a socket of its own, one deadline over everything, one verdict.
 *
 * Whatever the peer does, the attempt ends: by a verdict, by its deadline, by its signal, or because the peer sent more
 * than `BYTES_READ_MAX`. Its promise is fulfilled once, when the socket is closed, and is never rejected. Time in which
 * this process did not run (stopped, starved) is not held against the endpoint. healthd's only thread.
 */
import { setMaxListeners } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import type { ProbeSnapshot } from '@sluice/shared/snapshot/service-policy';
import type { PeerTls } from '@sluice/shared/tls/trust';
import type { ProbeResult, ProbeTarget } from './probe.js';
import { connectTls } from './tls.js';
import { faultWords, isOwnFault, spanWords, withArticle } from './words.js';

/** How often an attempt looks at the clock and at what came, ms; an answer of a healthy endpoint is there long before. */
const SLICE_MS = 250;
/** Nothing is kept of what a peer sends, but reading it costs CPU. */
const BYTES_READ_MAX = 16 * 1024 * 1024;

export interface Plan {
  /** What is asked, as the words name it: `GET /`. */
  readonly question: string;
  /** Sent as SNI; '' sends none. */
  readonly serverName: string;
  /** The names of which the certificate must have one, in words; '' when it must be for the address. */
  readonly certificateFor: string;
  /** What the service's BackendTLSPolicy says; null: there is none. */
  readonly policy: PeerTls | null;
  /** The protocol to agree on within TLS; '' for none. */
  readonly alpn: string;
  /** A TCP probe is about the connection alone. */
  readonly tls: boolean;
}

/** Called when the connection, TLS included, is there. Must have a verdict made in the end; may throw. */
export type Conversation = (attempt: Attempt, socket: Socket) => void;

interface Verdict {
  readonly healthy: boolean;
  readonly why: string;
  readonly elapsedMs: number;
  readonly pingMs?: number;
  readonly inconclusive?: true;
}

export class Attempt {
  /** What is missing when time is up or the peer goes away: `an answer`. */
  awaited = 'connection';
  readonly #startedAt = performance.now();
  readonly #abort = () => this.#stop();
  #lookedAt = this.#startedAt;
  #leftMs: number;
  #timer: NodeJS.Timeout | undefined;
  #socket: Socket | undefined;
  #verdict: Verdict | undefined;
  #ended = false;
  #release: (() => void) | undefined;

  constructor(
    readonly plan: Plan,
    readonly probe: ProbeSnapshot,
    readonly signal: AbortSignal,
    readonly resolve: (result: ProbeResult) => void,
  ) {
    this.#leftMs = probe.timeoutMs;
  }

  start(target: ProbeTarget, converse: Conversation): void {
    if (this.signal.aborted) {
      this.#stop();
      return;
    }
    const port = this.probe.port === 0 ? target.port : this.probe.port;
    // A name here would be looked up a second time, and the answer may differ from the endpoint that is asked about.
    if (isIP(target.address) === 0 || !(port > 0 && port < 65_536)) {
      this.fail(`"${target.address}" port ${port} is not an IP address and a port`);
      return;
    }
    try {
      const socket = this.plan.tls
        ? connectTls(target.address, port, this.plan)
        : connect({ host: target.address, port });
      this.#socket = socket;
      this.#watch(socket, converse);
      // One signal may stop all the probes of a process; that is no leak.
      setMaxListeners(0, this.signal);
      this.signal.addEventListener('abort', this.#abort, { once: true });
      this.#arm();
    } catch (error) {
      this.failWith(error);
    }
  }

  /** How long the whole may still take, ms. */
  get leftMs(): number {
    return this.#leftMs;
  }

  /** Run once before the socket is destroyed. */
  set release(release: () => void) {
    this.#release = release;
  }

  /** Healthy, and done. */
  pass(): void {
    this.decide();
    this.end();
  }

  /** Healthy, whatever comes now; the connection stays for a farewell until `end()`, `forMs` at most. */
  decide(pingMs?: number, forMs?: number): void {
    this.#settle({ healthy: true, why: '', ...(pingMs === undefined ? {} : { pingMs }) });
    if (forMs !== undefined && !this.#ended) {
      this.#leftMs = Math.min(this.#leftMs, forMs);
      this.#arm();
    }
  }

  /** Unhealthy, and done. `what` follows the question: `answered 404`. */
  answered(what: string): void {
    this.#unhealthy(`${this.#asked} ${what}`);
  }

  /** What was asked, and of which port when that is not the endpoint's own. */
  get #asked(): string {
    return this.probe.port === 0
      ? `probe ${this.plan.question}`
      : `probe ${this.plan.question} on port ${this.probe.port}`;
  }

  /** Unhealthy, and done. `what` is what came instead of an answer: `connection refused`. */
  fail(what: string): void {
    this.#unhealthy(`${this.#asked}: ${what}`);
  }

  /** Unhealthy by an error of the socket or of a protocol, unless the fault is this machine's. */
  failWith(error: unknown): void {
    const why = `${this.#asked}: ${faultWords(error, this.awaited, this.plan.certificateFor)}`;
    if (isOwnFault(error)) {
      this.#settle({ healthy: false, why, inconclusive: true });
      this.end();
      return;
    }
    this.#unhealthy(why);
  }

  /** Closes the connection and, once it is closed, tells the verdict. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.signal.removeEventListener('abort', this.#abort);
    this.#release?.();
    const socket = this.#socket;
    if (socket === undefined || socket.closed) {
      this.#tell();
      return;
    }
    socket.once('close', () => this.#tell());
    socket.destroy();
  }

  #unhealthy(why: string): void {
    this.#settle({ healthy: false, why });
    this.end();
  }

  #settle(verdict: Omit<Verdict, 'elapsedMs'>): void {
    this.#verdict ??= { ...verdict, elapsedMs: performance.now() - this.#startedAt };
  }

  #tell(): void {
    this.#settle({ healthy: false, why: `${this.#asked}: no verdict` });
    if (this.#verdict !== undefined) this.resolve(this.#verdict);
  }

  #stop(): void {
    this.#settle({ healthy: false, why: `${this.#asked}: stopped`, inconclusive: true });
    this.end();
  }

  #watch(socket: Socket, converse: Conversation): void {
    // These listeners stay until the end: no error is ever without one, and they hear of it before any protocol's.
    socket.on('error', (error) => this.failWith(error));
    socket.on('end', () => this.#gone());
    socket.on('close', () => this.#gone());
    const begin = () => {
      if (this.#ended) return;
      this.awaited = 'answer';
      try {
        converse(this, socket);
      } catch (error) {
        this.failWith(error);
      }
    };
    if (this.plan.tls) {
      socket.once('connect', () => {
        this.awaited = 'TLS handshake';
      });
      socket.once('secureConnect', begin);
    } else {
      socket.once('connect', begin);
    }
  }

  #gone(): void {
    if (this.#verdict === undefined) {
      this.fail(`connection closed before ${withArticle(this.awaited)}`);
    } else {
      this.end();
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), Math.min(this.#leftMs, SLICE_MS));
  }

  #look(): void {
    const now = performance.now();
    this.#leftMs -= Math.min(now - this.#lookedAt, 2 * SLICE_MS);
    this.#lookedAt = now;
    if ((this.#socket?.bytesRead ?? 0) > BYTES_READ_MAX) {
      this.fail(`no ${this.awaited} within ${BYTES_READ_MAX / 1024 / 1024} MiB`);
    } else if (this.#leftMs > 0.5) {
      this.#arm();
    } else {
      // What the kernel has received by now is read before time is called.
      setImmediate(() => this.#late());
    }
  }

  #late(): void {
    if (this.#verdict === undefined) {
      this.fail(`no ${this.awaited} within ${spanWords(this.probe.timeoutMs)}`);
    } else {
      this.end();
    }
  }
}

/** Makes one attempt. Never rejects. */
export function attempt(
  plan: Plan,
  target: ProbeTarget,
  probe: ProbeSnapshot,
  signal: AbortSignal,
  converse: Conversation,
): Promise<ProbeResult> {
  return new Promise((resolve) => new Attempt(plan, probe, signal, resolve).start(target, converse));
}
