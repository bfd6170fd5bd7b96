/**
 * Names that are resolved to addresses: externalName, FQDN slices, our annotation.
 *
 * Looser than the names of objects: Compose makes names with underscores, and a trailing dot keeps the search domains
 * out. An address is no name: it would never be probed as what it is. Any thread.
 */
import { isIP } from 'node:net';
import { wrong } from './schema.js';

const LABEL = '[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?';
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*\\.?$`, 'i');

/** What is wrong with a name, with the hint; undefined when it is right. */
export function dnsNameFault(name: string): string | undefined {
  if (isIP(name) !== 0) return wrong('is an IP address', 'a name is expected; addresses go into an EndpointSlice');
  return name.length <= 253 && NAME.test(name) ? undefined : wrong('is not a DNS name', 'as in chat.example.com');
}
