/**
 * Metric groups by (listener, route, service): an open-addressing table of integers, so that no thread has to go through
 * rules and services to find what a connection is counted under.
 *
 * Invariant: only what has a group has an entry, so that it is as small as `GROUPS_MAX` whatever the size of the snapshot.
 * Written in the compiler's thread, read in any.
 */

/** Indexes, -1 for not known; `route` is the place of a route among those of the rules. */
export interface GroupEntry {
  readonly listener: number;
  readonly route: number;
  readonly service: number;
  readonly group: number;
}

/** Of a slot: listener, route, service, group. */
const SLOT = 4;
const EMPTY = -1;

function slotOf(listener: number, route: number, service: number, mask: number): number {
  const mixed =
    Math.imul(listener + 1, 0x9e37_79b1) ^ Math.imul(route + 1, 0x85eb_ca6b) ^ Math.imul(service + 1, 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 15)) & mask;
}

/** At most half full. No (listener, route, service) twice. */
export function groupSlots(entries: readonly GroupEntry[]): Int32Array {
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(8, 2 * entries.length)));
  const slots = new Int32Array(SLOT * capacity).fill(EMPTY);
  for (const { listener, route, service, group } of entries) {
    let slot = slotOf(listener, route, service, capacity - 1);
    while (slots[SLOT * slot + 3] !== EMPTY) slot = (slot + 1) & (capacity - 1);
    slots.set([listener, route, service, group], SLOT * slot);
  }
  return slots;
}

/** The group, or -1 when there is none. */
export function findGroup(slots: Int32Array, listener: number, route: number, service: number): number {
  const mask = slots.length / SLOT - 1;
  let slot = slotOf(listener, route, service, mask);
  for (;;) {
    const at = SLOT * slot;
    const group = slots[at + 3] as number;
    if (group === EMPTY) return EMPTY;
    if (slots[at] === listener && slots[at + 1] === route && slots[at + 2] === service) return group;
    slot = (slot + 1) & mask;
  }
}
