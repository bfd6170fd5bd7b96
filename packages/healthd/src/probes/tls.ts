/**
 * TLS to an endpoint: always verified, against the authorities that node trusts and those of NODE_EXTRA_CA_CERTS.
 *
 * No session is resumed: a probe asks whether a new client would get through now. healthd's only thread.
 */
import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Plan } from './attempt.js';

/** The authorities take longest to load, and are the same for all. */
let shared: SecureContext | undefined;

/** The name in a Host field or authority, without its port; '' when it is an address, which SNI must not carry (RFC 6066, 3). */
export function serverNameOf(host: string): string {
  if (host.startsWith('[') || isIP(host) !== 0) return '';
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '');
  return isIP(name) === 0 ? name : '';
}

/** Without a server name the certificate must be for the address. */
export function connectTls(address: string, port: number, plan: Plan): TLSSocket {
  shared ??= createSecureContext();
  return connect({
    host: address,
    port,
    secureContext: shared,
    // Said, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot turn it off.
    rejectUnauthorized: true,
    ...(plan.serverName === '' ? {} : { servername: plan.serverName }),
    ...(plan.alpn === '' ? {} : { ALPNProtocols: [plan.alpn] }),
  });
}
