/**
 * Which ports are bound for which listeners: Gateway listeners that share a port share one socket.
 *
 * Pure. The position of a port in the plan is the tag that its connections carry.
 */

import { ExitCode, ExitError } from '@sluice/shared/cli/exit-codes';
import type { ListenerInfo } from '@sluice/shared/snapshot/snapshot';
import type { BoundPort } from '../worker/messages.js';

export interface PlannedPort extends BoundPort {
  /** What is bound: the declared port by the port map; 0: any free port. */
  readonly bind: number;
}

/**
 * One entry a declared port; those that are mapped to 0 each get a port of their own. Throws ExitError when two would
 * be bound to one: their connections could not be told apart.
 */
export function planPorts(
  listeners: readonly ListenerInfo[],
  portMap: ReadonlyMap<number, number>,
): readonly PlannedPort[] {
  const plan = new Map<number, { port: number; bind: number; listeners: number[] }>();
  listeners.forEach(({ port }, index) => {
    const entry = plan.get(port);
    if (entry === undefined) plan.set(port, { port, bind: portMap.get(port) ?? port, listeners: [index] });
    else entry.listeners.push(index);
  });
  const ports = [...plan.values()];
  for (const { port, bind } of ports) {
    const other = ports.find((each) => each.bind === bind && bind !== 0 && each.port !== port);
    if (other === undefined) continue;
    const line = `sluice: --port-map: the declared ports ${port} and ${other.port} would both be bound to ${bind}`;
    throw new ExitError(ExitCode.usage, line);
  }
  return ports;
}

/** Entries of the port map that no listener declares, `80=8080` each. */
export function unusedPorts(
  listeners: readonly ListenerInfo[],
  portMap: ReadonlyMap<number, number>,
): readonly string[] {
  const unused = [...portMap].filter(([declared]) => listeners.every(({ port }) => port !== declared));
  return unused.map(([declared, bound]) => `${declared}=${bound}`);
}
