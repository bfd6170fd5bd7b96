/**
 * Hashes that every worker and every machine computes alike: of texts that are balanced by, and of endpoints.
 *
 * Not for secrets: a client that chooses what it is hashed by chooses its endpoint, which is what hashing is for. Pure.
 */
import { createHash } from 'node:crypto';
import { endpointKey } from '@sluice/shared/snapshot/endpoint-key';

/** Spreads the bits of a 32-bit number over all of them; a bijection. From 0 to 2^32 - 1. */
export function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** FNV-1a over the characters, mixed. From 0 to 2^32 - 1. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix(hash);
}

/**
 * The name of an endpoint for strangers, 16 hex digits: says nothing of its address by itself, though whoever knows the
 * service and guesses the address can confirm the guess. `service`: `namespace/name/port`.
 */
export function endpointId(service: string, address: string, port: number): string {
  return createHash('sha256')
    .update(endpointKey(service, address, port))
    .digest('hex')
    .slice(0, 16);
}
