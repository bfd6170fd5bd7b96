/**
 * Which sockets are bound for which listeners: Gateway listeners that share a port and an address share one socket.
 *
 * Pure.
 */

import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import { hostPort } from '@sluice/shared/snapshot/endpoint-key';
import type { ListenerInfo } from '@sluice/shared/snapshot/snapshot';
import type { BoundPort } from '../worker/messages.js';

export interface PlannedPort extends BoundPort {
  /** What is bound: the declared port by the port map; 0: any free port. */
  readonly bind: number;
  /** The address to bind, of a Gateway that names some; '': what the options say. */
  readonly address: string;
}

interface Entry extends PlannedPort {
  readonly listeners: number[];
}

/** The same in two plans: the same socket. */
export function portKey({ port, address }: Pick<PlannedPort, 'port' | 'address'>): string {
  return `${port} ${address}`;
}

/**
 * One entry a declared port and address; those that are mapped to 0 each get a port of their own. Throws ExitError when two
 * would be bound to one: their connections could not be told apart.
 */
export function planPorts(
  listeners: readonly Pick<ListenerInfo, 'port' | 'addresses'>[],
  portMap: ReadonlyMap<number, number>,
): readonly PlannedPort[] {
  const plan = new Map<string, Entry>();
  listeners.forEach(({ port, addresses }, index) => {
    for (const address of addresses.length === 0 ? [''] : new Set(addresses)) {
      const key = portKey({ port, address });
      const entry = plan.get(key);
      if (entry !== undefined) entry.listeners.push(index);
      else plan.set(key, { port, bind: portMap.get(port) ?? port, address, listeners: [index] });
    }
  });
  const ports = [...plan.values()];
  checkPorts(ports);
  return ports;
}

function checkPorts(ports: readonly PlannedPort[]): void {
  const taken = new Map<number, PlannedPort[]>();
  for (const planned of ports) {
    const { port, bind, address } = planned;
    if (bind === 0) continue;
    const others = taken.get(bind) ?? [];
    taken.set(bind, [...others, planned]);
    const other = others.find((each) => each.address === address || each.address === '' || address === '');
    if (other === undefined) continue;
    if (other.port !== port) {
      const line = `sluice: --port-map: the declared ports ${other.port} and ${port} would both be bound to ${bind}`;
      throw new ExitError(ExitCode.usage, line);
    }
    const wanted = hostPort(address || other.address, bind);
    const line = `sluice: port ${port} is wanted on ${wanted} and on every address; give all of its Gateways addresses, or none`;
    throw new ExitError(ExitCode.config, line);
  }
}

/** Entries of the port map that no listener declares, `80=8080` each. */
export function unusedPorts(
  listeners: readonly Pick<ListenerInfo, 'port'>[],
  portMap: ReadonlyMap<number, number>,
): readonly string[] {
  const unused = [...portMap].filter(([declared]) => listeners.every(({ port }) => port !== declared));
  return unused.map(([declared, bound]) => `${declared}=${bound}`);
}
