/**
 * TLS to an endpoint: always verified, against the authorities that node trusts and those of NODE_EXTRA_CA_CERTS, unless
 * the service has a BackendTLSPolicy, which then says whom to trust, by what name, and what to show.
 *
 * No session is resumed: a probe asks whether a new client would get through now. healthd's only thread.
 */
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { type PeerTls, peerOptions, SYSTEM_TRUST, trustOptions } from '@sluice/shared/tls/trust';
import type { Plan } from './attempt.js';

/** The name in a Host field or authority, without its port; '' when it is an address, which SNI must not carry (RFC 6066, 3). */
export function serverNameOf(host: string): string {
  if (host.startsWith('[') || isIP(host) !== 0) return '';
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '');
  return isIP(name) === 0 ? name : '';
}

/** What a probe of a host looks for on its server's certificate, and sends as SNI. */
export function namesOf(host: string, tls: PeerTls | null): Pick<Plan, 'serverName' | 'certificateFor' | 'policy'> {
  if (tls === null) return { serverName: serverNameOf(host), certificateFor: serverNameOf(host), policy: null };
  return { serverName: tls.sni, certificateFor: tls.subjectAltNames.join(' or '), policy: tls };
}

/** Without a server name, and without a policy, the certificate must be for the address. */
export function connectTls(address: string, port: number, plan: Plan): TLSSocket {
  const { policy, serverName, alpn } = plan;
  return connect({
    host: address,
    port,
    ...(policy === null ? trustOptions(SYSTEM_TRUST) : peerOptions(policy)),
    ...(serverName === '' ? {} : { servername: serverName }),
    ...(alpn === '' ? {} : { ALPNProtocols: [alpn] }),
  });
}
