/**
 * What the gateway knows of its backends, put together: status board, membership, health bus, embedded daemon.
 *
 * Lifecycle: `start` begins to listen; `known` resolves when enough is known to accept connections; `serve` starts what
 * can wait for that; `close` ends everything, the daemon's process included. A connection is touched by nothing of it
 * but its service's own policy. Primary thread.
 */
import { setImmediate } from 'node:timers/promises';
import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import { Discovery } from '@sluice/shared/discovery/discovery';
import { createBoard, type StatusBoard } from '@sluice/shared/health/board';
import type { BusState, BusSubscriber } from '@sluice/shared/health/bus';
import type { Logger } from '@sluice/shared/log';
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { Options } from '../cli/options.js';
import type { EngineIndex, Native } from '../engine/binding.js';
import type { ToWorker } from '../worker/messages.js';
import type { Bus, OpenBus } from './health-bus.js';
import { HealthFeed } from './health-feed.js';
import type { HealthView } from './health-view.js';
import { LiveConnections } from './live-connections.js';
import { Membership } from './membership.js';

/** How long the start waits for services that are found by name. */
const LOOKUPS_WAIT_MS = 2000;
const SWEEP_INTERVAL_MS = 1000;
/** Services that are configured in one turn of the event loop. */
const SERVICES_AT_ONCE = 100;
/** A daemon that has said nothing for so many sweeps is started anew. */
const SILENT_SWEEPS_MAX = 30;
const OFF: BusState = { fresh: false, reason: 'health checks are off', sinceMs: 0 };
const NO_STATS: BusSubscriber['stats'] = { lagMs: 0, reconnects: 0, rereads: 0, lastHeartbeatMs: 0 };

export interface HealthOptions {
  readonly options: Options;
  readonly openBus: OpenBus;
  /** Of the first configuration. */
  readonly services: readonly ServiceSnapshot[];
  /** For an embedded daemon: `encodeProbedServices`. */
  readonly probedServices: string;
  readonly native: Native;
  readonly engines: readonly EngineIndex[];
  readonly log: Logger;
  /** Tells every worker. */
  readonly post: (message: ToWorker) => void;
  /** The oldest revision of the membership that a worker may still choose by. */
  readonly seen: () => number;
}

export class Health {
  readonly #options: Pick<HealthOptions, 'options' | 'log'>;
  readonly #bus: Bus;
  readonly #feed: HealthFeed;
  readonly #live: LiveConnections;
  #timer: NodeJS.Timeout | undefined;
  #silentSweeps = 0;
  #closed = false;
  #ended: () => void = () => {};
  readonly #end = new Promise<void>((resolve) => {
    this.#ended = resolve;
  });
  /** `--health-wait` runs, and no statuses have come yet. */
  waiting = false;
  readonly board: StatusBoard;
  readonly membership: Membership;
  readonly view: HealthView;

  /** Throws ExitError. */
  constructor(health: HealthOptions) {
    const { options, services, native, engines, log, post, seen } = health;
    checkRoom(services, options.endpointsMax);
    this.#options = { options, log };
    this.#bus = health.openBus(health.probedServices, log);
    this.board = createBoard(options.endpointsMax, engines.length);
    const live = new LiveConnections({ native, engines, post, log });
    this.#live = live;
    this.membership = new Membership({
      services,
      board: this.board,
      log,
      post,
      seen,
      onStatus: (slot, status, policy) => live.onStatus(slot, status, policy),
      onFree: (slot) => live.forget(slot),
    });
    const { subscriber } = this.#bus;
    const discovery = new Discovery({ log, intervalMs: options.resolveIntervalMs });
    this.#feed = new HealthFeed({ services, membership: this.membership, subscriber, discovery, log });
    this.view = createView(this.#bus, this.membership);
  }

  start(): void {
    this.#feed.start();
    this.#timer = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS);
    if (this.#options.options.healthWaitMs > 0) this.serve();
  }

  /** Resolves when services were looked up and, with `--health-wait`, statuses are there; or when that takes too long. */
  async known(): Promise<void> {
    const { healthWaitMs } = this.#options.options;
    const lookedUp = this.#atMost(this.#feed.lookedUp(), LOOKUPS_WAIT_MS);
    if (healthWaitMs > 0 && this.#bus.subscriber !== null) {
      this.waiting = true;
      await this.#atMost(this.#feed.firstTable, healthWaitMs);
      this.waiting = false;
      if (this.view.table === null && !this.#closed) {
        this.#options.log.warn({ waitedMs: healthWaitMs }, 'no statuses have come; connections are accepted without');
      }
    }
    await lookedUp;
  }

  /** Connections are accepted, or wait for statuses: the daemon's start disturbs nobody's any more. */
  serve(): void {
    this.#bus.daemon?.start();
  }

  /**
   * Services of another configuration that are new or have changed are known from now on; those that it does not have
   * stay until `retire`. An embedded daemon is told of all that there are now. A few at a time: other work goes on.
   */
  async configure(services: readonly ServiceSnapshot[], probedServices: string): Promise<void> {
    for (let at = 0; at < services.length && !this.#closed; at += SERVICES_AT_ONCE) {
      if (at > 0) await setImmediate();
      const some = services.slice(at, at + SERVICES_AT_ONCE);
      this.membership.configure(some);
      this.membership.commit();
      if (!this.#closed) this.#feed.configure(some);
    }
    if (!this.#closed) this.#bus.daemon?.configure(probedServices);
  }

  /** No worker goes by a configuration with these services any more, and none is `wanted` again. */
  async retire(names: readonly string[], wanted: (name: string) => boolean): Promise<void> {
    for (let at = 0; at < names.length && !this.#closed; at += SERVICES_AT_ONCE) {
      if (at > 0) await setImmediate();
      const some = names.slice(at, at + SERVICES_AT_ONCE).filter((name) => !wanted(name));
      if (!this.#closed) this.#feed.drop(some);
      this.membership.retire(some);
      this.membership.commit();
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed = true;
    this.#ended();
    await Promise.all([this.#feed.close(), this.#bus.daemon?.close()]);
  }

  /** Resolves with `promise`, after `ms`, or at the end. Leaves no timer behind. */
  async #atMost(promise: Promise<unknown>, ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([promise, late, this.#end]);
    clearTimeout(timer);
  }

  #sweep(): void {
    this.membership.sweep();
    this.#live.retry();
    const { daemon } = this.#bus;
    if (daemon === null) return;
    const silent = daemon.pid !== undefined && !this.view.state.fresh;
    this.#silentSweeps = silent ? this.#silentSweeps + 1 : 0;
    if (this.#silentSweeps < SILENT_SWEEPS_MAX) return;
    this.#silentSweeps = 0;
    this.#options.log.error({ daemon: daemon.pid }, 'the health daemon says nothing; it is killed');
    daemon.kill();
  }
}

/** Throws ExitError when the endpoints that the configuration names have no room on the status board. */
export function checkRoom(services: readonly ServiceSnapshot[], endpointsMax: number): void {
  let configured = 0;
  for (const { targets } of services) for (const { type } of targets) configured += Number(type === 'address');
  if (configured <= endpointsMax) return;
  const line = `sluice: the configuration has ${configured} endpoints, more than --endpoints-max ${endpointsMax}`;
  throw new ExitError(ExitCode.config, line);
}

function createView({ source, subscriber, daemon }: Bus, membership: Membership): HealthView {
  return {
    source,
    get services() {
      return membership.services;
    },
    endpoints: () => membership.members(),
    get state() {
      return subscriber?.state ?? OFF;
    },
    get stats() {
      return subscriber?.stats ?? NO_STATS;
    },
    get table() {
      return subscriber?.table ?? null;
    },
    get leftOut() {
      return membership.leftOut;
    },
    get daemonRestarts() {
      return daemon?.restarts ?? 0;
    },
  };
}
