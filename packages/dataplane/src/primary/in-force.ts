/**
 * The configuration in force, and how another one takes its place.
 *
 * Invariants: what could fail comes first (decoding, room, ports that are bound), and then nothing has changed. Workers hear
 * of endpoints before the snapshot that names them, and of a service that is gone when none of them routes to it any
 * more. A new port is accepted from when every worker knows it, or after a moment: a worker that hangs holds up nobody. A
 * request sees one configuration or the other; connections that are spliced see neither. Primary thread.
 */
import { setImmediate } from 'node:timers/promises';
import { rangeBytes } from '@sluice/shared/address-ranges';
import type { CompiledConfiguration } from '@sluice/shared/configuration/compiled';
import { decodeRemovals } from '@sluice/shared/configuration/removals';
import type { Logger } from '@sluice/shared/log';
import { type BackendMaterial, backendMaterialOf } from '@sluice/shared/snapshot/backend-material';
import { OTHER_GROUP } from '@sluice/shared/snapshot/groups';
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import { openSnapshot, type SnapshotView } from '@sluice/shared/snapshot/view';
import type { Options } from '../cli/options.js';
import type { EngineIndex, Native } from '../engine/binding.js';
import { silentFields } from '../worker/connection-record.js';
import type { BackendContexts, BoundPort, ToWorker } from '../worker/messages.js';
import { checkRoom, type Health } from './health.js';
import { type BoundListener, type Identify, Listeners, type PortChange } from './listeners.js';
import { LiveRoutes } from './live-routes.js';
import type { MeterMemory } from './metrics/memory.js';
import { type PlannedPort, planPorts, unusedPorts } from './ports.js';
import { TicketKeys } from './ticket-keys.js';
import { type TlsChange, TlsContexts } from './tls-contexts.js';

/** How long new ports wait for workers that do not answer. */
const SEEN_MAX_MS = 1000;
/** Services that are decoded in one turn of the event loop. */
const SERVICES_AT_ONCE = 100;

/** What workers go by. */
export interface Told {
  readonly revision: number;
  readonly snapshot: SharedArrayBuffer;
  readonly ports: readonly BoundPort[];
  readonly contexts: BackendContexts;
  readonly material: BackendMaterial;
}

export type InForceNative = Pick<
  Native,
  | 'listen'
  | 'listenerAdmit'
  | 'listenerClose'
  | 'listenerIdentify'
  | 'listenerTls'
  | 'tlsServerContext'
  | 'tlsClientContext'
  | 'tlsContextRelease'
  | 'tlsTicketKeys'
  | 'engineEndOwner'
  | 'engineKeepOwner'
>;

export interface InForceOptions {
  readonly options: Options;
  readonly native: InForceNative;
  readonly engines: readonly EngineIndex[];
  readonly log: Logger;
  readonly memory: Pick<MeterMemory, 'update'>;
  readonly first: CompiledConfiguration;
}

/** What a change needs of what is made after it. */
export interface InForceParts {
  readonly health: Pick<Health, 'configure' | 'retire'>;
  /** Tells every worker. */
  readonly post: (message: ToWorker) => void;
  /** The oldest revision that a worker may still route by. */
  readonly seen: () => number;
}

interface Leaving {
  readonly revision: number;
  readonly names: ReadonlySet<string>;
}

export class InForce {
  readonly #options: Omit<InForceOptions, 'first'>;
  readonly #listeners: Listeners;
  readonly #routes: LiveRoutes;
  readonly #contexts: TlsContexts;
  readonly #ticketKeys: TicketKeys;
  /** Services of the first configuration. */
  readonly services: readonly ServiceSnapshot[];
  #parts: InForceParts | undefined;
  #names: ReadonlySet<string>;
  /** Services of the configuration that is being put in force: not to be retired any more. */
  #coming: ReadonlySet<string> = new Set();
  #told: Told;
  #view: SnapshotView;
  /** Services that workers may still route to, though no configuration has them. */
  #leaving: Leaving[] = [];
  #waiting: { readonly revision: number; readonly done: () => void } | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  /** Binds the ports of the first configuration. Throws ExitError. */
  constructor({ first, ...rest }: InForceOptions) {
    const { options, native, engines, log } = rest;
    this.#options = rest;
    this.#view = openSnapshot(first.snapshot);
    const { listeners } = this.#view;
    const plan = planPorts(listeners, options.portMap);
    for (const entry of unusedPorts(listeners, options.portMap)) {
      log.warn(`--port-map ${entry}: no listener declares this port`);
    }
    this.services = [...servicesOf(this.#view)];
    this.#names = new Set(this.services.map(({ name }) => name));
    this.#listeners = new Listeners(native, options, log);
    this.#contexts = new TlsContexts(native);
    this.#ticketKeys = new TicketKeys(native);
    const tls = this.#prepareTls(this.#view, this.services, first, plan);
    const change = this.#listeners.prepare(plan, this.#identify(this.#view), tls.names);
    this.#listeners.commit(change);
    this.#contexts.commit(tls);
    const material = backendMaterialOf(this.services, first.material);
    this.#told = { revision: 0, snapshot: first.snapshot, ports: change.ports, contexts: tls.backends, material };
    this.#routes = new LiveRoutes({ native, engines, post: (message) => this.#parts?.post(message), log });
    this.#routes.update(decodeRemovals(first.removals));
  }

  /** From now on the configuration may change. */
  begin(parts: InForceParts): void {
    this.#parts = parts;
    this.#retry = setInterval(() => this.#routes.retry(), 1000).unref();
  }

  get told(): Told {
    return this.#told;
  }

  get listeners(): readonly BoundListener[] {
    return this.#listeners.describe(this.#view.listeners);
  }

  /** Puts another configuration in force. Rejects with ExitError when it cannot be: then nothing has changed. */
  async apply(configuration: CompiledConfiguration): Promise<readonly BoundListener[]> {
    const { snapshot, probedServices, removals } = configuration;
    const parts = this.#parts;
    if (parts === undefined) throw new Error('the configuration changes before workers are there');
    const { options, memory } = this.#options;
    const view = openSnapshot(snapshot);
    const services = await this.#decode(view);
    checkRoom(services, options.endpointsMax);
    const plan = planPorts(view.listeners, options.portMap);
    if (this.#closed) throw new Error('the process ends');
    const tls = this.#prepareTls(view, services, configuration, plan);
    const change = this.#prepareListeners(plan, view, tls);
    this.#coming = new Set(services.map(({ name }) => name));
    try {
      await parts.health.configure(services, probedServices);
      memory.update(view);
    } catch (error) {
      this.#listeners.abandon(change);
      this.#contexts.abandon(tls);
      this.#abandonServices(parts);
      throw error;
    }
    const revision = this.#told.revision + 1;
    const material = backendMaterialOf(services, configuration.material);
    this.#told = { revision, snapshot, ports: change.ports, contexts: tls.backends, material };
    this.#view = view;
    parts.post({ type: 'snapshot', ...this.#told });
    this.#leave(revision);
    // With no worker alive, nobody will say so.
    this.onSeen();
    await this.#seenBy(revision, parts);
    // A drain has closed every socket: the new ones too.
    if (!this.#closed) this.#listeners.commit(change);
    this.#contexts.commit(tls);
    this.#routes.update(decodeRemovals(removals));
    return this.listeners;
  }

  /** A worker has told what it goes by, or has died. */
  onSeen(): void {
    const parts = this.#parts;
    if (parts === undefined) return;
    const seen = parts.seen();
    if (this.#waiting !== undefined && seen >= this.#waiting.revision) this.#waiting.done();
    const gone = this.#leaving.filter(({ revision }) => seen >= revision);
    if (gone.length === 0) return;
    this.#leaving = this.#leaving.filter(({ revision }) => seen < revision);
    this.#retire(
      gone.flatMap(({ names }) => [...names]),
      parts,
    );
  }

  /** Idempotent. What is being applied goes on, without ports: those are closed by then. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#retry);
    this.#ticketKeys.close();
    this.#waiting?.done();
  }

  /** Throws ExitError, with nothing changed. */
  #prepareTls(
    view: SnapshotView,
    services: readonly ServiceSnapshot[],
    { material }: CompiledConfiguration,
    plan: readonly PlannedPort[],
  ): TlsChange {
    return this.#contexts.prepare({ listener: (index) => view.listener(index), services, material }, plan);
  }

  #prepareListeners(plan: readonly PlannedPort[], view: SnapshotView, tls: TlsChange): PortChange {
    try {
      return this.#listeners.prepare(plan, this.#identify(view), tls.names);
    } catch (error) {
      this.#contexts.abandon(tls);
      throw error;
    }
  }

  async #decode(view: SnapshotView): Promise<readonly ServiceSnapshot[]> {
    const services: ServiceSnapshot[] = [];
    for (const service of servicesOf(view)) {
      services.push(service);
      if (services.length % SERVICES_AT_ONCE === 0) await setImmediate();
    }
    return services;
  }

  #leave(revision: number): void {
    const names = new Set([...this.#names].filter((name) => !this.#coming.has(name)));
    this.#names = this.#coming;
    if (names.size > 0) this.#leaving.push({ revision, names });
  }

  /** The configuration that was coming will not be: neither will its services. */
  #abandonServices(parts: InForceParts): void {
    const names = [...this.#coming].filter((name) => !this.#names.has(name));
    this.#coming = this.#names;
    this.#retire(names, parts);
  }

  /** But for those that have come back meanwhile, and those that a worker may still route to: they have left again. */
  #retire(names: readonly string[], { health }: InForceParts): void {
    const isWanted = (name: string): boolean =>
      this.#names.has(name) || this.#coming.has(name) || this.#leaving.some((leaving) => leaving.names.has(name));
    health.retire(names, isWanted).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'services that are gone could not be forgotten');
    });
  }

  /** Resolves when every worker routes by the revision, after a moment, or at the end. */
  #seenBy(revision: number, { seen }: InForceParts): Promise<void> {
    if (this.#closed || seen() >= revision) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
        resolve();
      };
      const timer = setTimeout(done, SEEN_MAX_MS);
      this.#waiting = { revision, done };
    });
  }

  /** What the connections of a socket carry until their request is decided about. */
  #identify(snapshot: SnapshotView): Identify {
    const isLogged = this.#options.options.accessLog !== 'off';
    return (ports, tag) => {
      const [first] = ports[tag]?.listeners ?? [];
      const group = first === undefined ? OTHER_GROUP : snapshot.group(first, -1, -1);
      const sources = first === undefined ? [] : (snapshot.listener(first)?.proxySources ?? []);
      const logFields = isLogged ? silentFields({ snapshot, ports }, tag) : '';
      return { group, logFields, proxySources: rangeBytes(sources) };
    };
  }
}

function* servicesOf(view: SnapshotView): Iterable<ServiceSnapshot> {
  for (let index = 0; index < view.serviceCount; index++) {
    const service = view.service(index);
    if (service !== undefined) yield service;
  }
}
