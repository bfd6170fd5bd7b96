/**
 * Which certificates a client of a port gets, by the server name that it asks for.
 *
 * Invariant: a name is answered by the listener that the router would choose for it as a Host, so what that listener asks
 * of clients holds for it. Of a listener with certificates of several names, the one that has the name is shown, the first
 * for everything else. Pure.
 */
import type { ListenerInfo } from '@sluice/shared/snapshot/snapshot';
import type { CertificateMaterial } from '@sluice/shared/snapshot/tls';

export interface NamedCertificates {
  /** Of the engine's table: '' takes every client. */
  readonly pattern: string;
  /** Index into the listeners. */
  readonly listener: number;
  /** Ids, one of each type of key. */
  readonly certificates: readonly string[];
}

/** Whether a hostname (`''`, exact, or `*.…`) takes everything that the name (exact or `*.…`) does. */
function takes(hostname: string, name: string): boolean {
  if (hostname === '' || hostname === name) return true;
  return hostname.startsWith('*.') && name.endsWith(hostname.slice(1)) && name.length > hostname.length - 1;
}

/** The most specific listener that takes the name: exact, then the longest wildcard, then ''. */
function ownerOf(name: string, listeners: readonly (readonly [index: number, listener: ListenerInfo])[]): number {
  let [owner, length] = [-1, -1];
  for (const [index, { hostname }] of listeners) {
    if (hostname.length > length && takes(hostname, name)) [owner, length] = [index, hostname.length];
  }
  return owner;
}

/** Of these, the first of each type of key. */
function ofEachType(certificates: readonly CertificateMaterial[]): readonly string[] {
  const types = new Map<string, string>();
  for (const { id, keyType } of certificates) if (!types.has(keyType)) types.set(keyType, id);
  return [...types.values()];
}

function sharesName(certificate: CertificateMaterial, first: CertificateMaterial): boolean {
  return certificate === first || certificate.names.some((name) => first.names.includes(name));
}

/** The table of a port. `listeners`: indexes of those that share it; those without TLS or certificates have no entry. */
export function serverNames(
  listeners: readonly number[],
  infoOf: (index: number) => ListenerInfo | undefined,
  certificateOf: (id: string) => CertificateMaterial | undefined,
): readonly NamedCertificates[] {
  const known = listeners.flatMap((index): (readonly [number, ListenerInfo])[] => {
    const info = infoOf(index);
    return info === undefined ? [] : [[index, info]];
  });
  const table = new Map<string, NamedCertificates>();
  const held = known.map(([listener, { tls, hostname }]) => {
    const certificates = (tls?.certificates ?? []).flatMap((id) => certificateOf(id) ?? []);
    const [first] = certificates;
    if (first !== undefined && !table.has(hostname)) {
      const shown = certificates.filter((certificate) => sharesName(certificate, first));
      table.set(hostname, { pattern: hostname, listener, certificates: ofEachType(shown) });
    }
    return { listener, certificates };
  });
  for (const { listener, certificates } of held) {
    if (certificates.length < 2) continue;
    for (const pattern of new Set(certificates.flatMap(({ names }) => names))) {
      if (table.has(pattern) || ownerOf(pattern, known) !== listener) continue;
      const shown = certificates.filter(({ names }) => names.includes(pattern));
      table.set(pattern, { pattern, listener, certificates: ofEachType(shown) });
    }
  }
  return [...table.values()];
}
