/**
 * Owners: the number by which an engine knows whose a live connection is, its route at its listener.
 *
 * Invariant: it follows from the two names alone, in every thread, process and configuration, so nobody has to assign or
 * remember it. Being a hash it may be that of two pairs: whoever acts on it has to know all that there are. Pure.
 */
import type { ListenerInfo } from './snapshot.js';

/** The owner of what belongs to no route. */
export const NO_OWNER = 0;

export type OwnerOf = (listener: Pick<ListenerInfo, 'gateway' | 'name'>, route: string) => number;

/** FNV-1a over characters, going on from `hash`. */
function hashed(hash: number, text: string): number {
  let next = hash;
  for (let at = 0; at < text.length; at++) next = Math.imul(next ^ text.charCodeAt(at), 0x0100_0193);
  return next;
}

/** From 1 to 2^32 - 1. `route`: `namespace/name`. Allocates nothing: each handshake comes by here. */
export const ownerOf: OwnerOf = ({ gateway, name }, route) => {
  const listener = hashed(hashed(hashed(0x811c_9dc5 | 0, gateway), '/'), name);
  const hash = hashed(hashed(listener, ' '), route) >>> 0;
  return hash === NO_OWNER ? 1 : hash;
};
