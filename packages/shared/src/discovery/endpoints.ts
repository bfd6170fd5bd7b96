/**
 * From the targets of a service to its endpoints, given what names mean now. Pure.
 *
 * One endpoint has one spelling (canonical text, IPv4 that comes as IPv6 as IPv4) and is there once; an endpoint that one
 * target calls draining and another does not is not draining. Sorted, so that an equal answer is equal text.
 */
import { isIPv4 } from 'node:net';
import { canonicalAddress } from '../resources/address.js';
import { hostPort } from '../snapshot/endpoint-key.js';
import type { TargetSnapshot } from '../snapshot/snapshot.js';

export interface DiscoveredEndpoint {
  /** IPv4 or IPv6 in canonical text form, without brackets. */
  readonly address: string;
  readonly port: number;
  readonly draining: boolean;
}

/** What a name means. */
export interface NameAnswer {
  /** Canonical; of the last lookup that succeeded, null before the first. */
  readonly addresses: readonly string[] | null;
  /** Why the last lookup failed, in words; '' when it did not. */
  readonly why: string;
  /** A lookup has ended, well or not. */
  readonly settled: boolean;
}

export interface Discovered {
  readonly endpoints: readonly DiscoveredEndpoint[];
  /** Which names could not be resolved and why, in words; '' when all could. */
  readonly reason: string;
  /** Every name has been answered at least once: what is not among the endpoints does not exist. */
  readonly complete: boolean;
  /** A lookup of every name has ended, well or not. */
  readonly settled: boolean;
}

const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** The one spelling of an address; undefined when the text is none, or one that is only good on one link (a zone). */
export function normaliseAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const address = canonicalAddress(text, 'IPv6');
  const mapped = MAPPED.exec(address ?? '');
  if (mapped === null) return address;
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The endpoints of a service. `answerOf` is asked for the hosts of targets of type name. */
export function discoverEndpoints(
  targets: readonly TargetSnapshot[],
  answerOf: (name: string) => NameAnswer,
): Discovered {
  const found = new Map<string, DiscoveredEndpoint>();
  const reasons = new Set<string>();
  let complete = true;
  let settled = true;
  for (const { type, host, port, draining } of targets) {
    const answer = type === 'name' ? answerOf(host) : { addresses: [host], why: '', settled: true };
    if (answer.why !== '') reasons.add(answer.why);
    complete &&= answer.addresses !== null;
    settled &&= answer.settled;
    for (const text of answer.addresses ?? []) {
      const address = normaliseAddress(text) ?? text;
      const key = hostPort(address, port);
      if (found.get(key)?.draining !== false) found.set(key, { address, port, draining });
    }
  }
  const endpoints = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
  return { endpoints, reason: [...reasons].join('; '), complete, settled };
}
