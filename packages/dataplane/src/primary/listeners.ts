/**
 * The listening sockets of the Gateways: one a port and address, from the start or from the configuration that brings it
 * to the one that leaves it out.
 *
 * Invariant: what two configurations both have is never bound anew. A socket's tag, by which workers know its
 * connections, is its own as long as the process lives. Where a Gateway names no address, sockets are bound to `--bind`,
 * else to `::`, which takes IPv4 too, or to `0.0.0.0` where the machine has no IPv6. What cannot be bound is one clear line
 * and exit code 4. Primary thread.
 */

import { bindError, NO_ADDRESS } from '@sluice/shared/admin/bind-error';
import type { Logger } from '@sluice/shared/log';
import type { ListenerInfo } from '@sluice/shared/snapshot/snapshot';
import type { Options } from '../cli/options.js';
import type { ListenerIdentity, ListenOptions, Native } from '../engine/binding.js';
import type { ServerName } from '../engine/tls-binding.js';
import type { BoundPort } from '../worker/messages.js';
import { type PlannedPort, portKey } from './ports.js';

/** A Gateway listener and where it can be reached, as in the ready line. */
export interface BoundListener {
  readonly gateway: string;
  readonly listener: string;
  readonly address: string;
  readonly port: number;
}

type Identity = Omit<ListenerIdentity, 'tag'>;

/** What a socket's connections carry, by the ports of a configuration and the socket's tag. */
export type Identify = (ports: readonly BoundPort[], tag: number) => Identity;

/** Server names of a port's clients; null: it speaks plain TCP. */
export type NamesOf = (port: BoundPort) => readonly ServerName[] | null;

type ListenerNative = Pick<Native, 'listen' | 'listenerAdmit' | 'listenerClose' | 'listenerIdentify' | 'listenerTls'>;

interface Socket {
  readonly tag: number;
  readonly listener: number;
  readonly address: string;
  readonly port: number;
  readonly identity: Identity;
}

/** From one configuration to the next: everything that could fail has been done. */
export interface PortChange {
  /** By tag. */
  readonly ports: readonly BoundPort[];
  readonly sockets: ReadonlyMap<string, Socket>;
  readonly removed: readonly Socket[];
  readonly identify: Identify;
  readonly names: NamesOf;
}

const EVERY_ADDRESS = '::';
const EVERY_IPV4_ADDRESS = '0.0.0.0';
/** Beyond, tags of sockets that were closed long ago are used again. */
const TAGS_MAX = 65_536;

export class Listeners {
  readonly #native: ListenerNative;
  readonly #log: Pick<Logger, 'info' | 'error'>;
  readonly #options: Options;
  /** By `portKey`. */
  #sockets: ReadonlyMap<string, Socket> = new Map();
  #ports: readonly BoundPort[] = [];
  #nextTag = 0;
  /** Sockets that speak TLS. */
  readonly #secured = new Set<number>();
  /** Where sockets go for which no Gateway names an address. */
  #everywhere: string;

  constructor(native: ListenerNative, options: Options, log: Pick<Logger, 'info' | 'error'>) {
    this.#native = native;
    this.#log = log;
    this.#options = options;
    this.#everywhere = options.bind ?? EVERY_ADDRESS;
  }

  /** By tag; those of closed sockets have no listener. */
  get ports(): readonly BoundPort[] {
    return this.#ports;
  }

  /** Where the listeners of the configuration can be reached. */
  describe(listeners: readonly Pick<ListenerInfo, 'gateway' | 'name'>[]): readonly BoundListener[] {
    return [...this.#sockets.values()].flatMap(({ tag, address, port }) =>
      (this.#ports[tag]?.listeners ?? []).map((index) => {
        const { gateway = '', name = '' } = listeners[index] ?? {};
        return { gateway, listener: name, address, port };
      }),
    );
  }

  /** Binds what is new; its clients wait until `commit`. Throws ExitError when something cannot be bound: then everything is as it was. */
  prepare(plan: readonly PlannedPort[], identify: Identify, names: NamesOf): PortChange {
    const ports = this.#ports.map(({ port }): BoundPort => ({ port, listeners: [] }));
    const sockets = new Map<string, Socket>();
    const added: { readonly planned: PlannedPort; readonly tag: number }[] = [];
    for (const planned of plan) {
      const known = this.#sockets.get(portKey(planned));
      const tag = known?.tag ?? this.#freeTag(added.length);
      if (known === undefined) added.push({ planned, tag });
      else sockets.set(portKey(planned), known);
      ports[tag] = { port: planned.port, listeners: planned.listeners };
    }
    this.#bindAll(added, sockets, (tag) => identify(ports, tag));
    this.#nextTag += added.length;
    const removed = [...this.#sockets].filter(([key]) => !sockets.has(key)).map(([, socket]) => socket);
    return { ports, sockets, removed, identify, names };
  }

  /**
   * Workers know the ports now: opens what is new, closes what is gone. A socket to which this cannot be done stays as it
   * is, and a new one shut: the others are not held up.
   */
  commit(change: PortChange): void {
    const before = this.#sockets;
    this.#ports = change.ports;
    this.#sockets = new Map(
      [...change.sockets].map(([key, socket]) => [key, this.#put(socket, change, before.has(key))]),
    );
    for (const { listener, address, port } of change.removed) {
      this.#native.listenerClose(listener);
      this.#secured.delete(listener);
      this.#log.info({ address, port }, 'not listening any more');
    }
  }

  /** `stands`: it takes connections already. */
  #put(socket: Socket, { ports, identify, names }: PortChange, stands: boolean): Socket {
    const { tag, listener, address, port } = socket;
    try {
      const identified = this.#identified(socket, identify);
      this.#secure(listener, names(ports[tag] as BoundPort));
      if (stands) return identified;
      this.#native.listenerAdmit(listener);
      this.#log.info({ address, port }, 'listening');
      return identified;
    } catch (error) {
      this.#log.error({ err: error, address, port }, 'a listening socket could not be set to the configuration');
      return socket;
    }
  }

  /** A port that is to speak TLS and has no certificate refuses everybody: it never speaks plain TCP. */
  #secure(listener: number, names: readonly ServerName[] | null): void {
    if (names !== null) {
      this.#native.listenerTls(listener, names, true);
      this.#secured.add(listener);
    } else if (this.#secured.delete(listener)) {
      this.#native.listenerTls(listener, [], false);
    }
  }

  /** Closes what `prepare` has bound: the change will not be. */
  abandon({ sockets }: PortChange): void {
    for (const [key, { listener }] of sockets) if (!this.#sockets.has(key)) this.#native.listenerClose(listener);
  }

  #freeTag(ahead: number): number {
    const tag = (this.#nextTag + ahead) % TAGS_MAX;
    const isUsed = [...this.#sockets.values()].some((socket) => socket.tag === tag);
    if (!isUsed) return tag;
    this.#nextTag += 1;
    return this.#freeTag(ahead);
  }

  #bindAll(
    added: readonly { readonly planned: PlannedPort; readonly tag: number }[],
    sockets: Map<string, Socket>,
    identityOf: (tag: number) => Identity,
  ): void {
    const bound: Socket[] = [];
    for (const { planned, tag } of added) {
      try {
        const socket = this.#bind(planned, tag, identityOf(tag));
        bound.push(socket);
        sockets.set(portKey(planned), socket);
      } catch (error) {
        for (const { listener } of bound) this.#native.listenerClose(listener);
        const { bind: port, port: declared } = planned;
        const at = { address: planned.address || this.#everywhere, port };
        throw bindError('sluice', error, at, `bind another port with --port-map ${declared}=PORT`);
      }
    }
  }

  #bind({ address, bind }: PlannedPort, tag: number, identity: Identity): Socket {
    const options = listenOptions(this.#options, address || this.#everywhere, bind, { tag, ...identity });
    try {
      const { listener, port } = this.#native.listen(options);
      return { tag, listener, address: options.address, port, identity };
    } catch (error) {
      const fallback = address === '' && this.#options.bind === undefined && this.#everywhere === EVERY_ADDRESS;
      if (!fallback || !NO_ADDRESS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      this.#everywhere = EVERY_IPV4_ADDRESS;
      return this.#bind({ address, bind, port: bind, listeners: [] }, tag, identity);
    }
  }

  /** What its connections carry may be another listener's name now. */
  #identified(socket: Socket, identify: Identify): Socket {
    const { tag, listener } = socket;
    const identity = identify(this.#ports, tag);
    if (isSame(identity, socket.identity)) return socket;
    this.#native.listenerIdentify(listener, { tag, ...identity });
    return { ...socket, identity };
  }
}

function isSame(a: Identity, b: Identity): boolean {
  const sources = Buffer.from(a.proxySources ?? []).equals(b.proxySources ?? new Uint8Array());
  return sources && a.group === b.group && a.logFields === b.logFields;
}

function listenOptions(options: Options, address: string, port: number, identity: ListenerIdentity): ListenOptions {
  const { backlog, reusePort, deferAcceptS, keepaliveIdleS, keepaliveIntervalS, keepaliveCount, userTimeoutMs } =
    options;
  return {
    address,
    port,
    backlog,
    reusePort,
    held: true,
    deferAcceptS,
    ...identity,
    keepaliveIdleS,
    keepaliveIntervalS,
    keepaliveCount,
    userTimeoutMs,
  };
}
