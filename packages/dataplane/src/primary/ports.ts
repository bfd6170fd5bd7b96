/**
 * Which ports are bound for which listeners: Gateway listeners that share a port share one socket.
 *
 * Pure. The position of a port in the plan is the tag that its connections carry.
 */
import type { ListenerSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { BoundPort } from '../worker/messages.js';

export interface PlannedPort extends BoundPort {
  /** What is bound: the declared port by the port map; 0: any free port. */
  readonly bind: number;
}

/** One entry a distinct port to bind; declared ports that are mapped to 0 each get their own. */
export function planPorts(
  listeners: readonly ListenerSnapshot[],
  portMap: ReadonlyMap<number, number>,
): readonly PlannedPort[] {
  const plan = new Map<string, { port: number; bind: number; listeners: number[] }>();
  listeners.forEach(({ port }, index) => {
    const bind = portMap.get(port) ?? port;
    const key = bind === 0 ? `any for ${port}` : String(bind);
    const entry = plan.get(key);
    if (entry === undefined) plan.set(key, { port, bind, listeners: [index] });
    else entry.listeners.push(index);
  });
  return [...plan.values()];
}
