/**
 * TLS to an endpoint: always verified, against the authorities that node trusts and those of NODE_EXTRA_CA_CERTS, unless
 * the service has a BackendTLSPolicy, which then says whom to trust, by what name, and what to show.
 *
 * No session is resumed: a probe asks whether a new client would get through now. healthd's only thread.
 */
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { Plan } from './attempt.js';
import { hasName, type ProbeTls, SYSTEM_TRUST } from './tls-trust.js';

/** The name in a Host field or authority, without its port; '' when it is an address, which SNI must not carry (RFC 6066, 3). */
export function serverNameOf(host: string): string {
  if (host.startsWith('[') || isIP(host) !== 0) return '';
  const name = host.replace(/:\d*$/, '').replace(/\.$/, '');
  return isIP(name) === 0 ? name : '';
}

/** What a probe of a host looks for on its server's certificate, and sends as SNI. */
export function namesOf(host: string, tls: ProbeTls | null): Pick<Plan, 'serverName' | 'certificateFor' | 'policy'> {
  if (tls === null) return { serverName: serverNameOf(host), certificateFor: serverNameOf(host), policy: null };
  return { serverName: tls.sni, certificateFor: tls.subjectAltNames.join(' or '), policy: tls };
}

function identityCheck({ subjectAltNames }: ProbeTls): NonNullable<ConnectionOptions['checkServerIdentity']> {
  return (_host: string, { raw }: PeerCertificate): Error | undefined => {
    if (hasName(raw, subjectAltNames)) return undefined;
    return Object.assign(new Error('no name fits'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  };
}

/** Without a server name, and without a policy, the certificate must be for the address. */
export function connectTls(address: string, port: number, plan: Plan): TLSSocket {
  const { policy, serverName, alpn } = plan;
  const trust = policy?.trust ?? SYSTEM_TRUST;
  return connect({
    host: address,
    port,
    secureContext: trust.context,
    // Said, so that NODE_TLS_REJECT_UNAUTHORIZED in the environment cannot turn it off.
    rejectUnauthorized: trust.verifies,
    ...(policy === null ? {} : { checkServerIdentity: identityCheck(policy) }),
    ...(serverName === '' ? {} : { servername: serverName }),
    ...(alpn === '' ? {} : { ALPNProtocols: [alpn] }),
  });
}
