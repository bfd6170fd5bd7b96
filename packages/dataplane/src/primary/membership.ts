/**
 * Which endpoints every service has now, and which slot of the status board each of them has.
 *
 * Invariant: an endpoint keeps its slot while it exists, whatever else changes; its connections are counted there.
 * Primary thread.
 */
import { endpointKey } from '@sluice/shared/snapshot/endpoint-key';
import type { Snapshot } from '@sluice/shared/snapshot/snapshot';
import type { ServiceEndpoints } from '../worker/messages.js';

/** The endpoints of every service of a snapshot, from its configured addresses alone. */
export function configuredEndpoints(snapshot: Snapshot): readonly ServiceEndpoints[] {
  const slots = new Map<string, number>();
  const slotOf = (key: string): number => {
    const slot = slots.get(key) ?? slots.size;
    slots.set(key, slot);
    return slot;
  };
  return snapshot.services.map(({ name, targets }) => ({
    service: name,
    why: '',
    endpoints: targets
      .filter(({ type }) => type === 'address')
      .map(({ host, port }) => ({ address: host, port, slot: slotOf(endpointKey(name, host, port)) })),
  }));
}
