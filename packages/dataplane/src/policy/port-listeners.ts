/**
 * Which listener of a port answers for a host: the one with the most specific hostname that takes it (GatewaySpec.
 * Listeners, "Listener Isolation").
 *
 * Invariant: only listeners of the port are ever given, and of those with equal hostnames the first. What is kept of a
 * port is one integer a listener of the snapshot. Runs in the workers.
 */
import { Listener, type RoutingIndex } from '@sluice/shared/snapshot/flat/routing';
import { HostTable } from './host-table.js';

interface Port {
  readonly scope: number;
  readonly suffixMax: number;
  /** Place of each listener of the snapshot among those of the port, from 1 on; 0: it is not of the port. */
  readonly places: Int32Array;
}

export class PortListeners {
  readonly #rows: Int32Array;
  readonly #hosts: HostTable;
  readonly #ports = new WeakMap<readonly number[], Port>();

  constructor({ keys, listeners }: RoutingIndex) {
    this.#rows = listeners;
    this.#hosts = new HostTable(keys);
  }

  /**
   * Index of the listener, -1 when none takes the host. `listeners`: of one declared port, always the same array for a
   * port. Throws RangeError when the snapshot does not have them, or they are of several ports.
   */
  find(listeners: readonly number[], host: string): number {
    let port = this.#ports.get(listeners);
    if (port === undefined) {
      port = this.#portOf(listeners);
      this.#ports.set(listeners, port);
    }
    for (const first of this.#hosts.find(port.scope, port.suffixMax, host)) {
      const found = this.#firstOfPort(first, port.places);
      if (found >= 0) return found;
    }
    return -1;
  }

  /** Of the listeners with the hostname of `first`, the port's first. */
  #firstOfPort(first: number, places: Int32Array): number {
    let found = -1;
    let best = 0;
    for (let index = first; index >= 0; index = this.#column(index, Listener.next)) {
      const place = places[index] as number;
      if (place === 0 || (found >= 0 && place > best)) continue;
      found = index;
      best = place;
    }
    return found;
  }

  #portOf(listeners: readonly number[]): Port {
    const places = new Int32Array(this.#rows.length / Listener.columns);
    const [some = -1] = listeners;
    const scope = some < 0 ? 0 : this.#column(some, Listener.portScope);
    for (const [place, index] of listeners.entries()) {
      if (this.#rows[Listener.columns * index] === undefined)
        throw new RangeError(`the snapshot has no listener ${index}`);
      if (this.#column(index, Listener.portScope) !== scope) {
        throw new RangeError(`listeners ${some} and ${index} do not declare the same port`);
      }
      if (places[index] === 0) places[index] = place + 1;
    }
    return { scope, suffixMax: some < 0 ? 0 : this.#column(some, Listener.portSuffixMax), places };
  }

  #column(index: number, column: number): number {
    return this.#rows[Listener.columns * index + column] as number;
  }
}
