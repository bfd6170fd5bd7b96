/**
 * Which slot of the status board belongs to which endpoint of a service.
 *
 * An endpoint keeps its slot for as long as the assignment that is passed in holds it, whatever else changes: its
 * connections are counted there. Whoever keeps the assignment between compilations decides when a slot is free again,
 * by leaving its key out (its count is 0 and every worker has a newer snapshot). Pure; runs where the compiler does.
 */

/** Slot by identity key (`endpointKey`). */
export type SlotAssignment = ReadonlyMap<string, number>;

/** Identity of an endpoint of a service: `namespace/service/port/ip:port`, an IPv6 address in brackets. */
export function endpointKey(service: string, address: string, port: number): string {
  return `${service}/${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Slots for `keys`, in order of first use: the one that `occupied` holds, else the lowest that it does not. */
export function assignSlots(keys: Iterable<string>, occupied: SlotAssignment = new Map()): SlotAssignment {
  const taken = new Set(occupied.values());
  const assigned = new Map<string, number>();
  let free = 0;
  for (const key of keys) {
    if (assigned.has(key)) continue;
    const kept = occupied.get(key);
    if (kept !== undefined) {
      assigned.set(key, kept);
      continue;
    }
    while (taken.has(free)) free++;
    assigned.set(key, free++);
  }
  return assigned;
}

/** Slots in use: one more than the highest, 0 when there are none. */
export function slotCount(assignment: SlotAssignment): number {
  let count = 0;
  for (const slot of assignment.values()) count = Math.max(count, slot + 1);
  return count;
}
