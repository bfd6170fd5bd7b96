/** What a unit test of a worker begins with: the endpoints that a snapshot names by address, slots in their order. */
import type { ServiceSnapshot } from '@sluice/shared/snapshot/snapshot';
import type { ServiceEndpoints } from '../worker/messages.js';

/** The endpoints of every service of a configuration, from its addresses alone. */
export function configuredEndpoints(snapshot: {
  readonly services: readonly ServiceSnapshot[];
}): readonly ServiceEndpoints[] {
  let slots = 0;
  return snapshot.services.map(({ name, targets }) => ({
    service: name,
    why: '',
    endpoints: targets
      .filter(({ type }) => type === 'address')
      .map(({ host, port }) => ({ address: host, port, slot: slots++ })),
  }));
}
