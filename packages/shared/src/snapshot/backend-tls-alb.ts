/**
 * BackendTLSPolicy of alb.networking.azure.io: what one policy asks for, and for which ports.
 *
 * Without `verify` the connection is encrypted and the certificate not looked at, as in the reference, which its guide to
 * end-to-end TLS rests on; that is a warning. With it the chain and a name are verified, the name of `subjectAltName`, else
 * of `sni`. Pure but for what it says.
 */
import type { ConfigPath } from '../resources/path.js';
import { mergeConfig } from '../resources/policy-fields.js';
import { type AlbBackendTlsPolicy, issueAt, resourceName, type Service } from '../resources/resource.js';
import type { AlbBackendTlsConfig } from '../resources/tls-policies.js';
import {
  type BackendTls,
  type BackendTlsClaim,
  type BackendTlsFault,
  type BackendTlsParts,
  brokenBy,
  hasPort,
} from './backend-tls-claim.js';
import { CredentialFault } from './credential-fault.js';
import { conflict, mergedPath, type PolicyWords, type Refusal, refusePolicy, resolveTarget } from './policy-target.js';

const WORDS: PolicyWords = {
  invalid: 'InvalidBackendTLSPolicy',
  notFound: 'ServiceNotFound',
  targetGroup: '',
  targetKind: 'Service',
};
const TARGET: ConfigPath = ['spec', 'targetRef'];

export function readAlbPolicy(policy: AlbBackendTlsPolicy, parts: BackendTlsParts): BackendTlsClaim[] {
  const { services, context } = parts;
  const key = resolveTarget(policy, policy.spec.targetRef, TARGET, WORDS, services, context);
  const service = key === undefined ? undefined : services.get(key);
  if (key === undefined || service === undefined) return [];
  const config = mergeConfig<AlbBackendTlsConfig>(policy.spec.default, policy.spec.override);
  const tls = readConfig(policy, config, parts);
  return portsOf(policy, config, service, parts).map((port) => ({
    policy,
    service: key,
    port,
    tls,
    conflict(first) {
      const target = port === null ? `Service ${key}` : `port ${port} of Service ${key}`;
      refusePolicy(policy, WORDS, TARGET, conflict(target, first), context);
    },
  }));
}

/** null for all of them. */
function portsOf(
  policy: AlbBackendTlsPolicy,
  { ports }: AlbBackendTlsConfig,
  service: Service,
  { context }: BackendTlsParts,
): (number | null)[] {
  if (ports === undefined || ports.length === 0) return [null];
  const path = mergedPath(policy.spec, 'ports');
  const numbers = ports.map(({ port }) => port);
  for (const [index, port] of numbers.entries()) {
    if (hasPort(service, port)) continue;
    const message = `Service ${resourceName(service)} has no port ${port}: the policy does nothing there`;
    context.issues.push(issueAt(policy, 'warning', [...path, index, 'port'], message));
  }
  return [...new Set(numbers)];
}

function readConfig(
  policy: AlbBackendTlsPolicy,
  { sni = '', verify, clientCertificateRef }: AlbBackendTlsConfig,
  { credentials, context }: BackendTlsParts,
): BackendTls | BackendTlsFault {
  const fail = (path: ConfigPath, refusal: Refusal): BackendTlsFault => {
    const message = `${refusal.message}: the Service is not reached, and requests for it are answered with 500`;
    refusePolicy(policy, WORDS, path, { ...refusal, message }, context);
    return brokenBy(policy, refusal.message);
  };
  const lost = (path: ConfigPath, { reason, message, hint }: CredentialFault) =>
    fail(path, { unresolved: reason, message, hint });
  const clientCertificate =
    clientCertificateRef === undefined ? null : credentials.certificate(policy, clientCertificateRef);
  if (clientCertificate instanceof CredentialFault) {
    return lost(mergedPath(policy.spec, 'clientCertificateRef'), clientCertificate);
  }
  const tls = { policy: resourceName(policy), sni, clientCertificate };
  if (verify === undefined) {
    const message = 'the certificates of the backends are not verified: anybody on the way can be one';
    const hint = 'name the authority in verify.caCertificateRef, and the name in verify.subjectAltName';
    context.issues.push(issueAt(policy, 'warning', ['spec'], message, hint));
    return { ...tls, subjectAltNames: [], authority: 'none' };
  }
  const name = verify.subjectAltName ?? sni;
  if (name === '') {
    const hint = 'write verify.subjectAltName or sni';
    return fail(mergedPath(policy.spec, 'verify'), {
      unresolved: '',
      message: 'there is no name to verify the backends by',
      hint,
    });
  }
  const ref = verify.caCertificateRef;
  const authority = ref === undefined ? 'system' : credentials.authority(policy, ref);
  if (authority instanceof CredentialFault)
    return lost(mergedPath(policy.spec, 'verify', 'caCertificateRef'), authority);
  return { ...tls, subjectAltNames: [name], authority };
}
